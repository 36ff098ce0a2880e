//! What the authors of known encoders ask for and their GGUF files do not say: prefixes, and pooling where the file is silent.

use super::models::{ModelInfo, Pooling};

/// How an encoder wants its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Habits {
    pub(super) pooling: Pooling,
    pub(super) query_prefix: &'static str,
    pub(super) document_prefix: &'static str,
}

/// For every encoder that is not known.
const PLAIN: Habits = Habits { pooling: Pooling::Mean, query_prefix: "", document_prefix: "" };

/// Families by the parts that a model's name has in this order, after folding; the first that fits counts. From the model
/// cards: BAAI/bge-*-zh (CLS pooling; only short queries get the instruction, and bge-m3 none), Qwen/Qwen3-Embedding
/// (last token; documents get no instruction), intfloat/multilingual-e5 (mean; both sides are marked).
const FAMILIES: &[(&[&str], Habits)] = &[
    (&["bge", "zh", "noinstruct"], Habits { pooling: Pooling::Cls, ..PLAIN }),
    (
        &["bge", "zh"],
        Habits {
            pooling: Pooling::Cls, query_prefix: "为这个句子生成表示以用于检索相关文章：", ..PLAIN
        },
    ),
    (&["bge", "m3"], Habits { pooling: Pooling::Cls, ..PLAIN }),
    (
        &["qwen3", "embedding"],
        Habits {
            pooling: Pooling::Last,
            query_prefix: "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ",
            ..PLAIN
        },
    ),
    (&["multilingual", "e5"], Habits { query_prefix: "query: ", document_prefix: "passage: ", ..PLAIN }),
];

/// The habits of the family that a model's name belongs to.
pub(super) fn habits(info: &ModelInfo) -> Habits {
    let name = info.name.to_lowercase();
    let fits = |parts: &[&str]| {
        parts.iter().try_fold(name.as_str(), |rest, part| rest.split_once(part).map(|(_, rest)| rest)).is_some()
    };
    FAMILIES.iter().find(|(parts, _)| fits(parts)).map_or(PLAIN, |(_, habits)| *habits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::models::read_info_of;

    #[test]
    fn a_family_is_known_by_its_name() {
        let bundled = read_info_of(crate::inference::bundled::ENCODER, "guida-embed-zh").expect("bundled");
        let named = |name: &str| habits(&ModelInfo { name: name.into(), ..bundled.clone() });
        assert_eq!(named("Bge Small Zh v1.5").query_prefix, "为这个句子生成表示以用于检索相关文章：");
        assert_eq!(named("bge-large-zh-noinstruct").query_prefix, "");
        assert_eq!(named("Qwen3 Embedding 0.6B").pooling, Pooling::Last);
        assert_eq!(named("multilingual-e5-small").document_prefix, "passage: ");
        assert_eq!(named("guida-embed-zh"), PLAIN);
    }
}
