"""The encoder (a small BERT, mean pooling), its loss, and the folder as it is loaded."""

import json
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from models.training.text.tokenizer import SPECIAL

MAX_TOKENS = 256
SCALE = 20.0  # inverse temperature of the contrastive loss, as is usual for cosine similarities
MASKED = -1e4


class BagOfWords(nn.Module):
    """One vector per piece, averaged: the first phase, and the baseline the encoder has to beat."""

    def __init__(self, vocabulary: int, width: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.table = nn.EmbeddingBag(vocabulary, width, mode="mean")
        nn.init.normal_(self.table.weight, 0.0, 0.1)

    def forward(self, ids: Tensor, starts: Tensor) -> Tensor:
        """All ids in a row int64 [tokens], where texts start int64 [n] -> float32 [n, dim]."""
        return functional.normalize(self.table(ids, starts), dim=-1)


def new_encoder(table: Tensor, layers: int, seed: int) -> BertModel:
    """An encoder that starts out as the bag of words `table` float32 [pieces, dim].

    Layer norm with an epsilon of 1 is nearly linear for small values, so the length of a piece's
    vector (how much it weighs in the mean) survives; positions and layers start out small. Without
    layers it stays the bag of words, in the format of every other model.
    """
    torch.manual_seed(seed)
    vocabulary, width = table.shape
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=2 * width,
        max_position_embeddings=MAX_TOKENS,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1.0,
        pad_token_id=0,
    )
    # The pooler is never used; without its weights the loader would report them as missing.
    model = BertModel(config, add_pooling_layer=True)
    with torch.no_grad():
        for unused in model.get_submodule("pooler").parameters():
            unused.zero_()
        model.embeddings.word_embeddings.weight.copy_(table)
        # Only layers can make something of a position.
        model.embeddings.position_embeddings.weight.normal_(0.0, 0.002 if layers else 0.0)
        model.embeddings.token_type_embeddings.weight.zero_()
        for name, weight in model.named_parameters():
            if name.endswith("output.dense.weight"):
                weight.mul_(0.3)
    return model


def mean_pool(states: Tensor, mask: Tensor) -> Tensor:
    """float32 [n, tokens, dim] and mask [n, tokens] -> float32 [n, dim], rows L2-normalised."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return functional.normalize((states * weights).sum(1) / weights.sum(1), dim=-1)


def embed(model: BertModel, ids: Tensor, mask: Tensor) -> Tensor:
    """Token ids and mask int64 [n, tokens] -> text vectors float32 [n, dim]."""
    return mean_pool(model(input_ids=ids, attention_mask=mask).last_hidden_state, mask)


def contrastive_loss(query: Tensor, positive: Tensor, negative: Tensor, group: Tensor) -> Tensor:
    """InfoNCE both ways with near misses; texts of one group are not each other's negatives."""
    same = (group[:, None] == group[None, :]) & ~torch.eye(len(group), dtype=torch.bool)
    scores = (SCALE * query @ positive.T).masked_fill(same, MASKED)
    missed = SCALE * query @ negative.T
    target = torch.arange(len(group))
    forwards = functional.cross_entropy(torch.cat([scores, missed], dim=1), target)
    return 0.7 * forwards + 0.3 * functional.cross_entropy(scores.T, target)


def plain(tokenizer: Tokenizer) -> None:
    """Takes out what only training needs."""
    tokenizer.no_padding()
    tokenizer.no_truncation()


def save_bag(bag: BagOfWords, tokenizer: Tokenizer, out: Path) -> None:
    """Saves the bag of words as a sentence-transformers folder of its own."""
    plain(tokenizer)
    table = bag.table.weight.detach()
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=table)]).save(
        str(out)
    )


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def save_folder(model: BertModel, tokenizer: Tokenizer, out: Path) -> None:
    """Writes what `SentenceTransformer(out)` needs and nothing else; a model card is left alone."""
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    plain(tokenizer)
    tokenizer.save(str(out / "tokenizer.json"))
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    write_json(
        out / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": MAX_TOKENS,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
            **{f"{name}_token": token for name, token in names.items()},
        },
    )
    write_json(
        out / "sentence_bert_config.json", {"max_seq_length": MAX_TOKENS, "do_lower_case": False}
    )
    write_json(
        out / "config_sentence_transformers.json",
        {"prompts": {}, "default_prompt_name": None, "similarity_fn_name": "cosine"},
    )
    parts = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(parts)
    ]
    write_json(out / "modules.json", modules)
    write_json(
        out / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": model.config.hidden_size,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
        },
    )
