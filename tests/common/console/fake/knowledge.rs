//! What a box knows: two generations, a handful of documents, a clause that changed.

use guida::engine::reply::{BranchStatus, ClauseReply, Difference, DocumentsReply, Reply, ReviewReply, Suspended};
use guida::engine::request::AcceptRequest;
use guida::error::{Code, Error, Result};
use guida::types::ClauseId;
use serde_json::{Value, json};

pub const NEW: &str = "1-8-3fa8c21d90be";
pub const OLD: &str = "1-7-b04411e9a7d2";
/// What the overview says too.
const GENERATION: &str = "g-20261101-8";

/// What a person may have changed.
#[derive(Default)]
pub struct Knowledge {
    /// It was gone back from the newer one.
    pub back: bool,
    /// Only one pack was ever imported.
    pub first: bool,
    /// No data folder was set up.
    pub bare: bool,
    /// The one question that waits was accepted.
    pub accepted: bool,
}

fn info(gid: &str) -> Value {
    match gid {
        NEW => json!({"gid": NEW, "issued_at": "2026-11-01T02:00:00Z", "stale_after": "2027-05-01T00:00:00Z",
            "clauses": 1153, "bytes": 48_234_496}),
        _ => json!({"gid": OLD, "issued_at": "2026-09-28T02:00:00Z", "stale_after": "2027-03-28T00:00:00Z",
            "clauses": 1141, "bytes": 47_710_208}),
    }
}

impl Knowledge {
    pub fn branch(&self) -> Result<Reply> {
        if self.bare {
            let (what, todo) = ("/var/lib/guida 不是数据目录", "先用 guida data init 建立");
            return Err(Error::new(Code::DataFolder, what, todo));
        }
        let (active, previous) = if self.back { (OLD, NEW) } else { (NEW, OLD) };
        let status: BranchStatus = serde_json::from_value(json!({
            "branch": {"bank_id": "LZB", "branch": "0312-城关支行", "channel": "stable"},
            "root_version": 3,
            "root_fingerprint": "9b1f3c7e5d2a4486a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f50617",
            "device": "5a4b", "damaged": null,
            "active": info(active),
            "previous": if self.first { Value::Null } else { info(previous) },
            "hold": if self.back { json!({"epoch": 1, "seq": 8}) } else { Value::Null },
            "spoken_code": if self.back { Value::Null } else { json!("1-8-7QFM") },
            "time_floor": "2026-11-01T02:00:00Z",
            "announced": {"epoch": 1, "seq": 8},
            "to_review": usize::from(!self.accepted),
        }))
        .unwrap();
        Ok(Reply::Branch(Box::new(status)))
    }

    pub fn difference(&self) -> Reply {
        let difference = || Difference { from: OLD.into(), to: NEW.into(), diff: diff() };
        Reply::Difference((!self.first).then(|| Box::new(difference())))
    }

    pub fn review(&self) -> Reply {
        let suspended = if self.accepted { Vec::new() } else { vec![suspended()] };
        let generation = serde_json::from_value(json!(GENERATION)).unwrap();
        Reply::Review(ReviewReply { suspended, generation })
    }

    pub fn accept(&mut self, request: &AcceptRequest) -> Result<Reply> {
        let known = suspended();
        if (&request.folded, &request.new_fingerprint) != (&known.folded, &known.new_fingerprint) || self.accepted {
            return Err(Error::new(Code::NotFound, "待复核清单里没有这一条", "刷新清单后重试"));
        }
        self.accepted = true;
        Ok(Reply::Accepted(Box::new(known)))
    }

    pub fn documents(&self) -> Reply {
        Reply::Documents(
            serde_json::from_value::<DocumentsReply>(json!({"documents": versions(), "generation": GENERATION}))
                .unwrap(),
        )
    }

    pub fn clause(&self, id: ClauseId, neighbours: usize) -> Result<Reply> {
        let versions = versions();
        let version = versions.iter().find(|v| {
            let first = v["first_clause"].as_i64().unwrap();
            (first..first + v["clauses"].as_i64().unwrap()).contains(&id.0)
        });
        let Some(version) = version else {
            return Err(Error::new(Code::NotFound, format!("没有编号为 {} 的条款", id.0), "知识库可能已更新"));
        };
        let first = version["first_clause"].as_i64().unwrap();
        let last = first + version["clauses"].as_i64().unwrap() - 1;
        let reach = neighbours as i64;
        let neighbour = |n: i64| json!({"id": n, "clause": label(n - first), "heading": heading(n - first), "text": text(version, n - first)});
        let before: Vec<Value> = ((id.0 - reach).max(first)..id.0).map(neighbour).collect();
        let after: Vec<Value> = (id.0 + 1..=(id.0 + reach).min(last)).map(neighbour).collect();
        let mut of_title: Vec<Value> = versions.iter().filter(|v| v["title"] == version["title"]).cloned().collect();
        of_title.sort_by_key(|v| std::cmp::Reverse(v["effective"]["from"].as_str().unwrap().to_owned()));
        let status = version["status"].as_str().unwrap();
        let reply = json!({
            "clause": {
                "n": 1, "id": id.0, "document": version["title"], "doc_no": version["doc_no"],
                "issuer": version["issuer"], "level": version["level"], "classification": version["classification"],
                "clause": label(id.0 - first), "heading": heading(id.0 - first),
                "address": {"article": id.0 - first + 1, "insert": 0, "paragraph": null, "item": null, "point": null,
                    "label": label(id.0 - first)},
                "effective_from": version["effective"]["from"], "effective_to": version["effective"]["until"],
                "status": status, "status_label": status, "text": text(version, id.0 - first),
                "highlight": null, "sample": version["sample"], "same_in": [],
            },
            "before": before, "after": after, "versions": of_title, "generation": GENERATION,
        });
        Ok(Reply::Clause(Box::new(serde_json::from_value::<ClauseReply>(reply).unwrap())))
    }
}

type Row = (i64, &'static str, &'static str, &'static str, &'static str, [&'static str; 3], u64, bool);

/// Number, title, 文号, issuer, rank, first day and end and state, clauses, sample.
#[rustfmt::skip]
const VERSIONS: [Row; 7] = [
    (1, "储蓄管理条例", "国务院令第588号", "国务院", "行政法规", ["2011-01-08", "", "in_force"], 41, false),
    (2, "存款保险条例", "国务院令第660号", "国务院", "行政法规", ["2015-05-01", "", "in_force"], 23, false),
    (3, "单位定期存单质押贷款管理规定", "银监会令2007年第9号", "中国银行业监督管理委员会", "部门规章", ["2007-07-03", "", "in_force"], 36, false),
    (4, "挂失业务操作规程", "陇银发〔2026〕41号", "陇州银行运营管理部", "行内制度", ["2026-07-01", "", "in_force"], 28, true),
    (5, "挂失业务操作规程", "陇银发〔2021〕12号", "陇州银行运营管理部", "行内制度", ["2021-03-01", "2026-07-01", "superseded"], 26, true),
    (6, "个人存款账户实名制规定", "国务院令第285号", "国务院", "行政法规", ["2000-04-01", "", "in_force"], 11, false),
    (7, "大额现金管理办法", "陇银发〔2026〕66号", "陇州银行运营管理部", "行内制度", ["2027-01-01", "", "not_yet_in_force"], 19, true),
];

fn versions() -> Vec<Value> {
    let version = |(id, title, doc_no, issuer, level, [from, until, status], clauses, sample): Row| {
        let until = if until.is_empty() { Value::Null } else { json!(until) };
        json!({
            "id": id, "title": title, "doc_no": doc_no, "issuer": issuer, "level": level,
            "classification": if sample { "内部" } else { "公开" },
            "published": null, "effective": {"from": from, "until": until}, "status": status,
            "clauses": clauses, "first_clause": id * 1000 + 1, "sample": sample,
        })
    };
    VERSIONS.into_iter().map(version).collect()
}

const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

fn label(n: i64) -> String {
    let n = n as usize + 1;
    let tens = match n / 10 {
        0 => String::new(),
        1 => "十".into(),
        tens => format!("{}十", DIGITS[tens]),
    };
    format!("第{tens}{}条", DIGITS[n % 10])
}

fn heading(n: i64) -> &'static str {
    match n {
        0..4 => "第一章 总则",
        4..12 => "第二章 受理与核实",
        _ => "第三章 补发与解除",
    }
}

fn text(version: &Value, n: i64) -> String {
    let days = if version["id"] == 5 { "五" } else { "七" };
    match (version["id"].as_i64(), n) {
        (Some(4 | 5), 0) => {
            "为规范存单、存折、银行卡及预留印鉴的挂失业务\u{ff0c}防范操作风险\u{ff0c}根据《储蓄管理条例》制定本规程。"
                .into()
        }
        (Some(4 | 5), 1) => format!(
            "存款人遗失存单、存折的\u{ff0c}可以到开户网点办理书面挂失。书面挂失{days}日后\u{ff0c}凭本人有效身份证件补领新存单、新存折。\n\
             存款人因特殊情况不能亲自办理的\u{ff0c}可以委托他人代为办理挂失\u{ff0c}但不得代领新存单、新存折。"
        ),
        _ => format!(
            "本条规定{}的第 {} 项办理要求:受理、核实、登记、复核应当由两名柜员完成。",
            version["title"].as_str().unwrap(),
            n + 1
        ),
    }
}

pub fn suspended() -> Suspended {
    serde_json::from_value(json!({
        "question": "存折丢了几天能补", "folded": "存折丢了几天能补", "document": "挂失业务操作规程", "label": "第二条",
        "old_text": "书面挂失五日后\u{ff0c}凭本人有效身份证件补领新存单、新存折。",
        "new_text": "书面挂失七日后\u{ff0c}凭本人有效身份证件补领新存单、新存折。",
        "old_fingerprint": "0a1b", "new_fingerprint": "2c3d",
    }))
    .unwrap()
}

pub fn diff() -> guida::engine::reply::Diff {
    let clause = |label: &str, old: Option<&str>, new: Option<&str>| {
        let mut change = json!({"document": "挂失业务操作规程", "title_key": "挂失业务操作规程", "from": "2026-07-01",
            "until": null, "label": label});
        for (name, text) in [("old_text", old), ("new_text", new)] {
            if let Some(text) = text {
                change[name] = json!(text);
            }
        }
        change
    };
    serde_json::from_value(json!({
        "counts": {"documents_added": 1, "documents_withdrawn": 0, "versions_in_force": 2, "versions_out_of_force": 1,
            "added": 20, "changed": 2, "moved": 0, "withdrawn": 1, "unchanged": 1131},
        "documents_added": ["大额现金管理办法"],
        "documents_withdrawn": [],
        "in_force": [
            {"document": "大额现金管理办法", "doc_no": "陇银发〔2026〕66号", "from": "2027-01-01", "until": null, "withdrawn": false},
            {"document": "挂失业务操作规程", "doc_no": "陇银发〔2026〕41号", "from": "2026-07-01", "until": null, "withdrawn": false},
        ],
        "out_of_force": [
            {"document": "挂失业务操作规程", "doc_no": "陇银发〔2021〕12号", "from": "2021-03-01", "until": "2026-07-01", "withdrawn": false},
        ],
        "changed": [
            clause("第二条", Some("存款人遗失存单、存折的\u{ff0c}可以到开户网点办理书面挂失。书面挂失五日后\u{ff0c}凭本人有效身份证件补领新存单、新存折。"),
                Some("存款人遗失存单、存折的\u{ff0c}可以到开户网点办理书面挂失。书面挂失七日后\u{ff0c}凭本人有效身份证件补领新存单、新存折。")),
            clause("第九条", Some("口头挂失的有效期为五日。"), Some("口头挂失的有效期为五日\u{ff0c}到期未办理书面挂失的自动解除。")),
        ],
        "withdrawn": [clause("第十四条", Some("挂失手续费每笔十元。"), None)],
        "added": [clause("第二十七条", None, Some("本规程所称网点\u{ff0c}包括各支行、分理处。"))],
        "moved": [],
    }))
    .unwrap()
}
