// Forms that ask: what was submitted is being answered, and its button says so until the page comes.

for (const button of document.querySelectorAll("button[data-busy]")) {
  const words = button.textContent;
  const set = (busy) => {
    button.textContent = busy ? button.dataset.busy : words;
    button.classList.toggle("busy", busy);
  };
  button.form.addEventListener("submit", () => set(true));
  addEventListener("pageshow", () => set(false)); // on the way back a page is as it was left
}
