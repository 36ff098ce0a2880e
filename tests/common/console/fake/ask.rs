//! What tellers asked, how two questions come out, and what a model writes below one.

use guida::console::messages::Answer;
use guida::engine::recent::RecentQuestion;
use guida::engine::reply::{AnswerReply, ProseEvent, Reply, TraceReply};
use guida::engine::request::AskRequest;
use guida::error::{Code, Error, Result};
use serde_json::{Value, json};

/// The service's side of questions.
#[derive(Default)]
pub struct Asking {
    /// Nobody has asked yet.
    pub nobody: bool,
    /// No question was refused.
    pub none_refused: bool,
    /// How many of the events of the prose come at once; all when `None`.
    pub events: Option<usize>,
    /// No model writes.
    pub no_model: bool,
}

pub const ANSWERED: &str = "客户的银行卡丢了,本人来挂失要带什么?";
pub const REFUSED: &str = "数字人民币钱包被冻结了怎么解冻";

impl Asking {
    /// The list, the latest first.
    pub fn recent(&self) -> Vec<RecentQuestion> {
        let question = |number: u64, at: &str, question: &str, outcome: Value, confidence: f64| -> RecentQuestion {
            serde_json::from_value(json!({
                "number": number, "at": at, "question": question, "outcome": outcome, "confidence": confidence,
                "card_ms": 6.4, "generation": "g-20261101-8"
            }))
            .unwrap()
        };
        let answered = || json!({"outcome": "answered"});
        let refused = || json!({"outcome": "refused"});
        let failed = |code: &str| json!({"outcome": "failed", "code": code});
        let mut all = vec![
            question(1204, "2026-11-21T07:03:41Z", ANSWERED, answered(), 0.973),
            question(1203, "2026-11-21T07:02:58Z", REFUSED, refused(), 0.184),
            question(1202, "2026-11-21T07:01:30Z", "", failed("QUESTION_TOO_LONG"), 0.0),
            question(1201, "2026-11-21T06:58:12Z", "存款保险最高赔多少?", answered(), 0.998),
            question(1200, "2026-11-21T06:40:00Z", "6222****1234 这张卡能不能在外地支行销户", answered(), 0.871),
            question(1199, "2026-11-21T06:12:19Z", "员工食堂几点开门", refused(), 0.006),
            question(1198, "2026-11-20T02:12:19Z", "对公账户久悬未取转营业外收入的条件是什么", failed("BUSY"), 0.0),
        ];
        if self.none_refused {
            all.retain(|question| question.question != REFUSED && !question.question.starts_with("员工"));
        }
        if self.nobody { Vec::new() } else { all }
    }

    /// A question looked into.
    pub fn trace(&self, ask: &AskRequest) -> Result<TraceReply> {
        let mut trace = match ask.question.as_str() {
            REFUSED => refused(),
            "坏" => return Err(Error::new(Code::Timeout, "这个问题没有在时限内答完", "稍后再问一次")),
            _ => answered(),
        };
        if self.no_model {
            trace.prompt = None;
        }
        Ok(trace)
    }

    /// The card and the prose below it.
    pub fn write(&self, ask: &AskRequest) -> Vec<Answer> {
        let trace = self.trace(ask).unwrap();
        let missing = Error::new(Code::ModelUnavailable, "没有模型在服务", "以卡片上的条款为准");
        let prose_unavailable = self.no_model.then(|| (&missing).into());
        let card = AnswerReply { card: trace.card, prose: None, prose_unavailable, session: String::new() };
        let mut answers = vec![Answer::Reply(Box::new(Reply::Answer(Box::new(card))))];
        if !self.no_model {
            let events = events();
            let some = self.events.unwrap_or(events.len());
            answers.extend(events.into_iter().take(some).map(|event| Answer::Prose(Box::new(event))));
        }
        if self.events.is_none() {
            answers.push(Answer::ProseEnd);
        }
        answers
    }
}

fn citation(n: u32, document: &str, clause: &str, text: &str, highlight: Value, status: (&str, &str)) -> Value {
    json!({
        "n": n, "id": 400 + n, "document": document, "doc_no": "银发〔2019〕88号", "issuer": "总行运营管理部",
        "level": "行内制度", "classification": "内部", "clause": clause, "heading": "第三章 挂失",
        "address": {"article": 12, "insert": 0, "paragraph": null, "item": null, "point": null, "label": clause},
        "effective_from": "2019-06-01", "effective_to": null, "status": status.0, "status_label": status.1,
        "text": text, "highlight": highlight, "sample": false, "same_in": []
    })
}

fn card(question: &str, confidence: f64) -> Value {
    json!({
        "question": question, "as_of": "2026-11-21", "refused": false, "conclusion": "", "conclusion_source": "",
        "citations": [], "steps": [], "materials": [], "risk": [], "escalation": "", "script": "",
        "clarify": null, "refusal": null, "notices": [], "confidence": confidence,
        "timings": {"embed_ms": 3.1, "retrieve_ms": 5.2, "card_ms": 6.4}, "generation": "g-20261101-8"
    })
}

fn step(zh: &str, en: &str, ms: f64) -> Value {
    json!({"name": {"zh": zh, "en": en}, "ms": ms})
}

fn answered() -> TraceReply {
    let first = "存款人的银行卡遗失、被盗的,应当凭本人有效身份证件到任一网点办理书面挂失。不能提供卡号的,网点应当协助查询。\n\
                 挂失七日后可以补领新卡;急需用款的,可以凭身份证件当日补领。";
    let second = "受理书面挂失应当核对身份证件原件,由会计主管复核。代理挂失的,还应当核对代理人的身份证件。";
    let mut card = card(ANSWERED, 0.973);
    card["conclusion"] = json!("带本人有效身份证件,任一网点都可以办理书面挂失。");
    card["conclusion_source"] = json!("柜面操作指引 场景七 银行卡挂失");
    card["citations"] = json!([
        citation(1, "银行卡挂失办法", "第十二条", first, json!([14, 37]), ("in_force", "现行有效")),
        citation(2, "柜面业务管理办法", "第三十条", second, Value::Null, ("superseded", "已被新版本取代")),
    ]);
    card["steps"] = json!(["核对身份证件原件并联网核查", "填写挂失申请书,客户签字", "系统内挂失,打印回执"]);
    card["materials"] = json!(["本人有效身份证件原件"]);
    card["risk"] = json!(["代办的必须核对双方证件,不得只收复印件"]);
    card["escalation"] = json!("会计主管");
    card["script"] = json!("您好,请出示您的身份证,我马上为您挂失,挂失后这张卡就不能再用了。");
    card["notices"] = json!(["问题中的卡号已遮盖"]);
    let candidate = |id: u32, document: &str, clause: &str, on_card: bool, score: f64, words: f64, meaning: f64| {
        json!({"id": id, "document": document, "clause": clause, "on_card": on_card, "score": score, "words": words,
               "meaning": meaning, "curated": if on_card { 0.91 } else { 0.0 }})
    };
    serde_json::from_value(json!({
        "card": card,
        "guard": {"understood": ANSWERED, "remarks": [
            {"zh": "去掉没有业务含义的字词,按「银行卡 丢 本人 挂失 带」查找",
             "en": "Words that say nothing of the matter were left out; searched for: 银行卡 丢 本人 挂失 带"}]},
        "terms": [
            {"term": "挂失", "weight": 5.21, "clauses": 14, "synonym": false},
            {"term": "遗失", "weight": 4.02, "clauses": 9, "synonym": true},
            {"term": "银行卡", "weight": 2.87, "clauses": 61, "synonym": false},
            {"term": "丢", "weight": 1.1, "clauses": 0, "synonym": false},
        ],
        "candidates": [
            candidate(401, "银行卡挂失办法", "第十二条", true, 1.0, 1.0, 0.83),
            candidate(402, "柜面业务管理办法", "第三十条", true, 0.41, 0.72, 0.79),
            candidate(377, "存单挂失止付管理规定(试行)及其附件", "第五条", false, 0.08, 0.31, 0.66),
        ],
        "confidence": 0.973, "threshold": 0.5,
        "factors": [
            {"name": {"zh": "一条条款含有问题多少字词", "en": "Share of the question's words in one clause"}, "value": 0.86, "usual": 0.7, "effect": 2.6},
            {"name": {"zh": "与既定问法的接近程度", "en": "Nearness to a question with a set answer"}, "value": 0.91, "usual": 0.8, "effect": 1.9},
            {"name": {"zh": "起点(还没有任何依据)", "en": "Where it starts, without evidence"}, "value": 1.0, "usual": 1.0, "effect": -0.9},
        ],
        "reasons": [{"zh": "由指引《柜面操作指引》场景七回答,把握 97.3%", "en": "Answered by the guide 《柜面操作指引》 场景七, 97.3% sure"}],
        "steps": [
            step("检查并遮盖问题", "Checking and masking the question", 0.21),
            step("编码问题", "Encoding the question", 3.1),
            step("按字词查找并排序", "Searching by words and ranking", 2.1),
            step("编排卡片", "Laying out the card", 1.2),
        ],
        "prompt": format!(
            "你是银行柜台的助手,只根据给出的条款回答。\n\n[1] 《银行卡挂失办法》第十二条\n{first}\n\n[2] 《柜面业务管理办法》第三十条\n{second}\n\n问题:{ANSWERED}"
        ),
    }))
    .unwrap()
}

fn refused() -> TraceReply {
    let mut card = card(REFUSED, 0.184);
    card["refused"] = json!(true);
    card["refusal"] = json!({
        "reason": "现行有效的文件里没有找到依据。", "documents_searched": 86, "clauses_searched": 1153,
        "terms": ["数字人民币", "钱包", "冻结", "解冻"], "ask": "请向总行运营管理部(分机 8021)询问。",
        "nearest": ["个人结算账户管理办法", "协助查询冻结扣划工作规定"]
    });
    serde_json::from_value(json!({
        "card": card,
        "guard": {"understood": REFUSED, "remarks": []},
        "terms": [
            {"term": "数字人民币", "weight": 6.4, "clauses": 0, "synonym": false},
            {"term": "冻结", "weight": 3.3, "clauses": 31, "synonym": false},
        ],
        "candidates": [
            {"id": 512, "document": "协助查询冻结扣划工作规定", "clause": "第九条", "on_card": false, "score": 1.0, "words": 0.37, "meaning": 0.52, "curated": 0.0},
        ],
        "confidence": 0.184, "threshold": 0.5,
        "factors": [
            {"name": {"zh": "问的是条款没有讲的事", "en": "It names a matter that the clauses do not"}, "value": 1.0, "usual": 0.0, "effect": -2.2},
            {"name": {"zh": "与条款的意思接近程度", "en": "Nearness of meaning to the clauses"}, "value": 0.52, "usual": 0.7, "effect": 0.4},
        ],
        "reasons": [
            {"zh": "拒答:把握 18.4%,不到 50% 的界限", "en": "Refused: 18.4% sure, below the limit of 50%"},
            {"zh": "知识里没有这些字词:数字人民币。请核对有无错字,或换成规定里的用词",
             "en": "The knowledge does not have these words: 数字人民币. Look for typing errors, or use the rule's words"},
            {"zh": "现行有效、柜员可查的文件里没有讲这件事:请向总行索取规定",
             "en": "No document that is in force and open to tellers covers this matter: ask head office for the rule"},
        ],
        "steps": [step("检查并遮盖问题", "Checking and masking the question", 0.2), step("按字词查找并排序", "Searching by words and ranking", 2.4)],
        "prompt": null,
    }))
    .unwrap()
}

/// What comes while a model writes, in order.
pub fn events() -> Vec<ProseEvent> {
    let progress = |stage: &str, done: u32, written: u32, speed: Value| {
        json!({"event": "progress", "stage": stage, "ahead": if stage == "queued" { 2 } else { 0 }, "expected_wait_ms": 12000,
               "prefill_done": done, "prefill_total": 812, "written": written, "tokens_per_second": speed})
    };
    let text = ["可以。带本人有效身份证件,到任一网点办理书面挂失[1]。", "急需用款的,当日可以补领新卡[1]。"];
    let events = [
        progress("queued", 0, 0, Value::Null),
        progress("reading", 512, 0, json!(96.4)),
        progress("writing", 812, 12, json!(8.1)),
        json!({"event": "token", "text": text[0]}),
        progress("writing", 812, 31, json!(8.3)),
        json!({"event": "token", "text": text[1]}),
        json!({"event": "done", "text": text.concat(), "label": "本内容由人工智能生成,仅供参考",
               "struck": ["补领新卡收取工本费15元。"], "cited": [1], "left_out": [],
               "prefill_tokens_per_second": 96.4, "decode_tokens_per_second": 8.2,
               "stats": {"prompt_tokens": 812, "cached_tokens": 300, "generated_tokens": 61, "prefill_ms": 5310.0, "decode_ms": 7440.0, "finish": "stop"},
               "cached": false, "role": "large", "model": {"name": "Qwen2.5-7B-Instruct", "sha256": "ab".repeat(32)},
               "prompt": "answer-3",
               "AIGC": {"Label": "1", "ContentProducer": "Guida", "ProduceID": "x", "ReservedCode1": "", "ContentPropagator": "Guida", "PropagateID": "x", "ReservedCode2": ""}}),
    ];
    events.into_iter().map(|event| serde_json::from_value(event).unwrap()).collect()
}
