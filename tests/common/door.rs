//! A door with fixed answers, so that HTTP can be tested without a knowledge file.

#![allow(dead_code)]

use guida::engine::reply::*;
use guida::engine::request::{Actor, Request};
use guida::error::{Code, Error, Result};
use guida::http::Door;
use guida::inference::{CacheFigures, FinishReason, GenerateStats, GeneratorStatus, ModelId};
use guida::types::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Questions that make the door do something special.
pub const PANIC: &str = "!panic";
pub const WAIT: &str = "!wait";
pub const HANG: &str = "!hang";
/// The session of every reply.
pub const SESSION: &str = "0123456789abcdef0123456789abcdef";

/// Answers every question with the same card; prose comes token by token.
#[derive(Default)]
pub struct FixedDoor {
    /// Questions that came in.
    pub asked: AtomicUsize,
    /// Set once a `WAIT` question has come in.
    pub waiting: AtomicBool,
    /// `WAIT` questions wait until this is set.
    pub open: AtomicBool,
    /// Canceller of the last prose that `HANG` began.
    pub hanging: Mutex<Option<Arc<AtomicBool>>>,
    /// What the status tells.
    pub notices: Mutex<Vec<Notice>>,
}

impl Door for FixedDoor {
    fn handle(&self, _: &Actor, request: Request) -> Result<Reply> {
        match request {
            Request::Ask(ask) => {
                self.asked.fetch_add(1, Ordering::AcqRel);
                match ask.question.as_str() {
                    PANIC => panic!("asked to"),
                    "" => return Err(Error::new(Code::QuestionEmpty, "问题是空的", "请输入问题")),
                    WAIT => {
                        self.waiting.store(true, Ordering::Release);
                        while !self.open.load(Ordering::Acquire) {
                            std::thread::park_timeout(Duration::from_millis(5));
                        }
                    }
                    _ => {}
                }
                let mut card = card();
                card.question = ask.question.clone();
                let prose = (ask.prose && !card.refused).then(|| self.prose(ask.question == HANG));
                Ok(Reply::Answer(Box::new(AnswerReply {
                    card,
                    prose,
                    prose_unavailable: None,
                    session: SESSION.to_owned(),
                })))
            }
            Request::Search(search) => Ok(Reply::Search(SearchReply {
                as_of: search.as_of.unwrap_or(day(2026, 3, 2)),
                hits: citations().into_iter().take(search.limit).collect(),
                by_address: false,
                took_ms: 1.2,
                generation: generation(),
            })),
            Request::Clause { id, .. } => clause(id),
            Request::Documents { filter } => Ok(Reply::Documents(DocumentsReply {
                documents: versions()
                    .into_iter()
                    .filter(|v| filter.as_ref().is_none_or(|f| v.title.contains(f)))
                    .collect(),
                generation: generation(),
            })),
            Request::Status => Ok(Reply::Status(Box::new(StatusReply {
                version: "0.1.0".into(),
                generation: generation(),
                documents: 46,
                clauses: 812,
                vectors: 0,
                embedder: None,
                generator: Some(GeneratorStatus {
                    model: model(),
                    ready: true,
                    failure: None,
                    queued: 0,
                    running: 0,
                    slots: 4,
                    expected_wait_ms: 11_500,
                    cache: CacheFigures::default(),
                    swap_failure: None,
                    restarts: 0,
                    context_tokens: 4096,
                }),
                small_generator: None,
                answer_cache: AnswerCacheFigures::default(),
                service: ServiceFigures {
                    questions: 7,
                    failed: 1,
                    refused: 2,
                    answered: 4,
                    prose_wanted: 3,
                    prose_unavailable: 1,
                    card_times: vec![0, 3, 2, 0, 0, 0, 0, 0, 0, 1],
                    card_seconds: 4.5,
                },
                today: day(2026, 3, 2),
                notices: self.notices.lock().unwrap().clone(),
                suspended: 3,
            }))),
            // What the network may not ask never comes here.
            _ => Err(Error::new(Code::Denied, "当前角色没有这项权限", "请联系管理员")),
        }
    }
}

impl FixedDoor {
    fn prose(&self, hang: bool) -> Prose {
        let (sender, events) = channel();
        let cancel = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&cancel);
        if hang {
            *self.hanging.lock().unwrap() = Some(Arc::clone(&cancel));
        }
        std::thread::spawn(move || {
            for prefill_done in [310, 620] {
                let progress =
                    Progress { stage: Stage::Reading, prefill_done, prefill_total: 620, ..Progress::default() };
                let _ = sender.send(ProseEvent::Progress(progress));
            }
            while hang && !stopped.load(Ordering::Acquire) {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            let text = PROSE.concat();
            for piece in PROSE {
                if stopped.load(Ordering::Acquire)
                    || sender.send(ProseEvent::Token { text: (*piece).to_owned() }).is_err()
                {
                    return;
                }
            }
            let stats = GenerateStats {
                prompt_tokens: 620,
                cached_tokens: 0,
                generated_tokens: 88,
                prefill_ms: 1840.0,
                decode_ms: 6100.0,
                finish: FinishReason::Stop,
            };
            let _ = sender.send(ProseEvent::Done(Box::new(ProseDone {
                text,
                label: AIGC_LABEL.into(),
                struck: vec!["手续费为 15 元。".to_owned()],
                cited: vec![1, 2],
                left_out: vec![],
                prefill_tokens_per_second: 337.0,
                decode_tokens_per_second: 14.4,
                stats,
                structured: None,
                cached: false,
                role: Role::Large,
                prompt: "test".into(),
                model: model(),
                aigc: Aigc {
                    label: "1".into(),
                    content_producer: "guida".to_owned(),
                    produce_id: "20260302-000017".to_owned(),
                    reserved_code1: String::new(),
                    content_propagator: String::new(),
                    propagate_id: String::new(),
                    reserved_code2: String::new(),
                },
            })));
        });
        Prose::from_events(events, cancel)
    }
}

const PROSE: &[&str] = &[
    "客户的身份证过期三个月,",
    "仍在柜面取款的宽限期内吗?",
    "不在:",
    "证件过期后应先更新身份信息,",
    "未在合理期限内更新且没有合理理由的,",
    "本行应当中止办理业务[1]。",
    "\n本人持新证件或临时身份证到场,",
    "柜员核验后当场更新留存信息,",
    "即可恢复取款[2]。",
    "\n客户急用钱且新证未办妥的,",
    "可用临时居民身份证办理[2]。",
];

/// Something for the status to tell.
pub fn stale() -> Notice {
    Notice {
        code: NoticeCode::KnowledgeStale,
        message: "知识包的有效期到 2026-02-01 为止".to_owned(),
        hint: "请领取新的<知识包>".to_owned(),
    }
}

pub fn card() -> Card {
    Card {
        question: "身份证过期三个月,卡还能取钱吗".to_owned(),
        as_of: day(2026, 3, 2),
        refused: false,
        conclusion: "不能直接取,须先更新身份证件信息,更新后当场可取。".to_owned(),
        conclusion_source: "《个人账户柜面操作指引》场景七 客户身份证件过期".to_owned(),
        citations: citations(),
        steps: strings(&[
            "查看客户信息系统中的证件到期日,确认已过期。",
            "请客户出示新身份证或临时居民身份证,联网核查并核对本人。",
            "在客户信息维护交易中更新证件有效期,留存影像。",
            "解除证件过期的业务限制后,按正常流程办理取款。",
        ]),
        materials: strings(&[
            "本人有效居民身份证或临时居民身份证原件",
            "银行卡(无卡须另行核验)",
            "《个人客户信息变更申请书》",
        ]),
        risk: strings(&[
            "不得以过期证件代替有效证件办理;代理人不能代为更新本人证件信息。",
            "单日取现超过 5 万元的,仍须完成客户尽职调查并登记身份基本信息。",
        ]),
        escalation: "会计主管 → 运营管理部 → 法律合规部".to_owned(),
        script:
            "您的身份证已过有效期,按规定要先更新证件信息。您带了新证或临时身份证的话,现在就能更新,更新好马上可以取款。"
                .to_owned(),
        clarify: None,
        refusal: None,
        notices: vec![],
        conclusion_confidence: 0.9,
        confidence: 0.93,
        timings: guida::answer::outcome::Timings { embed_ms: 0.0, retrieve_ms: 3.1, card_ms: 4.6 },
        generation: generation(),
        read_as: None,
        asked: None,
    }
}

pub fn citations() -> Vec<Citation> {
    let sentence = "先前获得的身份证件或者其他身份证明文件已过有效期,未在合理期限内更新且没有提出合理理由的,应当中止为客户办理业务。";
    let text = format!(
        "柜员办理业务时应当查看客户身份资料的有效期。\n客户{sentence}\n前款所称合理期限,由总行另行规定,最长不超过九十日;客户因住院、出境等原因提出合理理由的,经会计主管同意可以适当延长。"
    );
    let start = text.chars().count() - text.chars().skip_while(|c| *c != '先').count();
    vec![
        citation(
            1,
            2031,
            "示例银行个人客户身份识别管理办法",
            "示银发〔2025〕18号",
            "第二十三条第二款",
            "第三章 持续识别",
            &text,
            Some([start, start + sentence.chars().count()]),
        ),
        citation(
            2,
            1187,
            "示例银行个人账户管理办法",
            "示银发〔2024〕61号",
            "第三十一条",
            "第四章 账户使用",
            "客户本人凭有效身份证件更新身份信息后,因证件过期而采取的限制措施应当当场解除。\n居民身份证换领期间,临时居民身份证具有同等效力。",
            None,
        ),
        citation(
            3,
            402,
            "个人账户柜面操作指引",
            "",
            "场景七",
            "客户身份证件过期",
            "客户身份证件已过有效期的,先更新证件信息,再办理取款、转账等业务;当场无法提供新证件的,告知客户办理临时居民身份证。",
            None,
        ),
    ]
}

#[allow(clippy::too_many_arguments)]
fn citation(
    n: u32,
    id: i64,
    document: &str,
    doc_no: &str,
    clause: &str,
    heading: &str,
    text: &str,
    highlight: Option<[usize; 2]>,
) -> Citation {
    Citation {
        n,
        id: ClauseId(id),
        document: document.to_owned(),
        doc_no: doc_no.to_owned(),
        issuer: "示例银行".to_owned(),
        level: if doc_no.is_empty() { Level::Guide } else { Level::InternalRule },
        classification: Classification::Internal,
        clause: clause.to_owned(),
        heading: heading.to_owned(),
        address: ClauseAddress { label: clause.to_owned(), ..ClauseAddress::default() },
        effective_from: Some(day(2025, 3, 1)),
        effective_to: None,
        status: Status::InForce,
        status_label: Status::InForce.label().into(),
        text: text.to_owned(),
        highlight,
        sample: true,
        same_in: Vec::new(),
        amended: Vec::new(),
        made_of: Vec::new(),
    }
}

fn clause(id: ClauseId) -> Result<Reply> {
    let near = |id, clause: &str, text: &str| Neighbour {
        id: ClauseId(id),
        clause: clause.to_owned(),
        heading: "第三章 持续识别".to_owned(),
        text: text.to_owned(),
    };
    let found = citations().into_iter().find(|c| c.id == id);
    let clause = found.ok_or_else(|| Error::new(Code::NotFound, "没有这个条款", "请从依据列表打开"))?;
    Ok(Reply::Clause(Box::new(ClauseReply {
        clause,
        before: vec![
            near(2029, "第二十一条", "本行对存续客户的身份资料至少每三年核对一次;高风险客户每年核对一次。"),
            near(2030, "第二十二条", "客户身份资料发生变化的,柜员应当请客户出示证明并及时更新。"),
        ],
        after: vec![near(1187, "第二十四条", "中止办理业务前,应当以电话或短信提前告知客户,并留存告知记录。")],
        versions: versions(),
        generation: generation(),
    })))
}

fn versions() -> Vec<VersionInfo> {
    let version = |id, doc_no: &str, from, until, status| VersionInfo {
        id: VersionId(id),
        title: "示例银行个人客户身份识别管理办法".to_owned(),
        doc_no: doc_no.to_owned(),
        issuer: "示例银行".to_owned(),
        level: Level::InternalRule,
        classification: Classification::Internal,
        published: None,
        effective: EffectivePeriod { from: Some(from), until },
        status,
        clauses: 52,
        first_clause: Some(ClauseId(2031)),
        sample: true,
    };
    vec![
        version(12, "示银发〔2025〕18号", day(2025, 3, 1), None, Status::InForce),
        version(3, "示银发〔2019〕7号", day(2019, 5, 1), Some(day(2025, 3, 1)), Status::Superseded),
    ]
}

fn model() -> ModelId {
    ModelId { name: "示例模型-1.5B-Q4".to_owned(), sha256: "0".repeat(64) }
}

fn generation() -> GenerationId {
    GenerationId("7c1e5d20a94b3f68".to_owned())
}

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|s| (*s).to_owned()).collect()
}

fn day(y: i16, m: i8, d: i8) -> Date {
    Date::new(y, m, d).unwrap()
}
