//! Why a question is refused that asks for something no rulebook says, see [`crate::text::outside`].

use super::Ask;
use crate::retrieval::{Ranked, Retriever};
use crate::text::outside::{Outside, outside};

/// What the card says in place of a conclusion; `None` where the rules may answer: a curated question does, the bank asked about is the one whose rules
/// these are, or a text of the first clause's document that comes into force later is known.
pub(super) fn reason(retriever: &Retriever, ask: &Ask<'_>, ranked: &Ranked) -> Option<String> {
    if !ranked.settled.is_empty() || ranked.hits.first().is_some_and(|hit| hit.part.is_some()) {
        return None;
    }
    let knowledge = retriever.knowledge();
    match outside(&ranked.read)? {
        Outside::Change => {
            let first = ranked.hits.first().and_then(|hit| knowledge.version_of(hit.clause));
            let announced = first.is_some_and(|first| {
                knowledge
                    .versions_of_document(first.document)
                    .any(|version| version.row.effective.from > Some(ask.scope.as_of))
            });
            (!announced).then(|| "问的是规定以后会不会变;知识库里没有已公布、尚未施行的新规定,不作推测".to_owned())
        }
        Outside::OtherBank(name) => {
            let own = knowledge.versions().iter().any(|v| v.row.title.contains(name) || v.row.issuer.contains(name));
            (!own).then(|| "问的是别家机构怎么规定;知识库里只有本行制度和国家规定,不作推测".to_owned())
        }
        Outside::Record => Some("问的是客户、账户或某一笔业务现在的情况;这要在业务系统里查,制度里没有".to_owned()),
    }
}
