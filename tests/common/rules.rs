//! A small rulebook, built into a knowledge file in a temporary folder.

#![allow(dead_code)]

use guida::inference::Embedder;
use guida::ingest::build;
use guida::ingest::everyday::Everyday;
use guida::store::Knowledge;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A knowledge file and the folder that holds it.
pub struct Rules {
    pub folder: TempDir,
    pub kb: PathBuf,
}

impl Rules {
    /// Builds from (file name, text) pairs, without vectors.
    pub fn build(files: &[(&str, &str)]) -> Rules {
        Rules::embedded(files, None)
    }

    /// Builds from (file name, text) pairs, with the vectors of an encoder.
    pub fn embedded(files: &[(&str, &str)], embedder: Option<&dyn Embedder>) -> Rules {
        let folder = TempDir::new().unwrap();
        let sources = folder.path().join("rules");
        std::fs::create_dir(&sources).unwrap();
        for (name, text) in files {
            std::fs::write(sources.join(name), text).unwrap();
        }
        let kb = folder.path().join("kb.db");
        build::build(&[sources], &[], &Everyday::none(), &kb, embedder, &mut |_, _, _| {}).unwrap();
        Rules { folder, kb }
    }

    /// Opens it.
    pub fn open(&self) -> Arc<Knowledge> {
        Arc::new(Knowledge::open(&self.kb).unwrap())
    }

    /// Rules about cash in two versions, a secret rule, and a guide.
    pub fn cash() -> Rules {
        Rules::build(&[
            ("cash-2020.md", CASH_2020),
            ("cash-2026.md", CASH_2026),
            ("vault.md", VAULT),
            ("guide.md", GUIDE),
            ("law.md", LAW),
            ("head-office.curated.jsonl", CURATED),
        ])
    }
}

/// A rule on what is done at the counter.
pub const DESK: &str = "# 某行柜面办法
第一条 挂失应当填写申请书。
第二条 取款应当核对证件。
第三条 存款人死亡的继承人凭证明取款。
第四条 转账应当核对户名。
第五条 身份证过期的应当换领以后再取款。
第六条 大额取款应当提前预约。
第七条 密码遗忘的可以申请重置。
第八条 贷款利率可以协商。
";

const CASH_2020: &str = "---
title: 某行现金管理办法
doc_no: 某行发〔2020〕1号
level: 行内制度
published: 2020-01-01
effective: 2020-02-01
---
# 某行现金管理办法
## 第一章 总则
第一条 本办法规范柜面现金业务。
## 第二章 支取
第二条 单笔支取现金超过五万元的，应当登记资金用途。
第三条 二十万元以上的支取应当提前一日预约。
";

const CASH_2026: &str = "---
title: 某行现金管理办法
doc_no: 某行发〔2025〕9号
level: 行内制度
published: 2025-12-01
effective: 2026-01-01
---
# 某行现金管理办法
## 第一章 总则
第一条 本办法规范柜面现金业务。
## 第二章 支取
第二条 单笔支取现金超过五万元的，不再逐笔登记资金用途。客户身份仍应当核实。

经办人发现异常的，应当询问并记录：
（一）资金来源不清；
（二）回答前后矛盾。
第三条 三十万元以上的支取应当提前一日预约。
";

const VAULT: &str = "---
title: 某行金库密码管理规定
doc_no: 某行密〔2024〕3号
level: 行内制度
classification: 机密
effective: 2024-01-01
---
# 某行金库密码管理规定
第一条 金库密码由两人分段掌管。
第二条 金库密码每季度更换一次。
";

const GUIDE: &str = "---
title: 某行操作指引：大额取现
doc_no: 某行运〔2026〕5号
level: 操作指引
effective: 2026-01-01
---
# 某行操作指引：大额取现
## 场景一 取现超过五万元
### 问法
- 取八万块还要写干嘛用吗
### 结论
有条件：核实身份即可，不再登记用途
### 依据
- 《某行现金管理办法》第二条第一款
### 步骤
1. 核对证件。
2. 付款。
### 所需资料
- 身份证
### 风险提示
- 发现异常要询问。
### 升级路径
会计主管 → 运营管理部
### 对客话术
您好，请出示身份证。
### 追问
是不是本人来？
- 本人 | 自己来 → 能：核实身份后支付
- 代办 | 帮朋友,替别人 → 有条件：双方证件都要
";

const LAW: &str = "# 中华人民共和国某业法
2015年8月29日 某大会通过
<!-- INFO END -->
## 第一章 总则
第一条 为了规范某业，制定本法。
第二条 某业机构应当保守客户秘密。

有权拒绝任何单位和个人查询，法律另有规定的除外。
第二十条之一 某业机构应当备案。
第二十一条 本法自2016年1月1日起施行。
";

const CURATED: &str = r#"{"id":"c1","question":"三十来万要不要先打招呼","answer":null,"relevant":[{"document":"某行现金管理办法","clause":"第三条"}]}
"#;
