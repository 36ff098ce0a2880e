//! `guida import`, `guida data …`: what branch IT does with knowledge, at the box's own command line.

use super::args::{DataCommand, ImportArgs};
use super::backup;
use super::output::{print, print_json};
use crate::clock::in_china;
use crate::engine::branch::{self, BranchStatus, ClockStatus, GenerationInfo};
use crate::engine::importing::{self, Committed, Encoder, Importer, Outcome, Preview, Progress, Returned, Watch};
use crate::engine::request::Actor;
use crate::error::{Code, Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::{BufRead, IsTerminal};
use std::path::Path;

/// Most changes of one kind that are printed; the counts are whole.
const SHOWN: usize = 8;
/// Characters of a clause that are printed.
const SHOWN_CHARS: usize = 60;
/// Largest file of a trust root or its signatures, in bytes.
const MAX_ROOT_FILE: u64 = 64 << 10;

/// Looks at a stick, shows what would change, asks, and puts it to use.
///
/// # Errors
/// Those of the import, each with its code. A pack that is in use already is no error.
pub fn import(args: &ImportArgs, encoder: Encoder) -> Result<()> {
    if !args.yes && !args.dry_run {
        require_terminal()?;
    }
    let importer = importing::open(&args.data.data, encoder, &actor())?;
    let mut bar = Bar::new();
    let outcome = importer.prepare(&args.path, &mut bar);
    bar.finish();
    let prepared = match outcome? {
        Outcome::Ready(prepared) => prepared,
        Outcome::Already(serial) => {
            return match args.json {
                true => print_json(&json!({ "state": "already", "serial": serial })),
                false => print(&format!("{serial} 号知识包已经在用,不用再导入\n")),
            };
        }
    };
    if !args.json {
        print(&preview_text(prepared.preview()))?;
    }
    if args.dry_run {
        if args.json {
            print_json(&json!({ "state": "waiting", "preview": prepared.preview() }))?;
        }
        return importer.decline(*prepared);
    }
    if !args.yes && !confirmed("启用以上知识?输入 yes 确认:")? {
        importer.decline(*prepared)?;
        return print("没有启用,现行知识不变;已读入的部分留在本机\n");
    }
    let committed = importer.commit(*prepared, &mut |_| Ok(()), &mut bar)?;
    match args.json {
        true => print_json(&json!({ "state": "done", "committed": committed })),
        false => print(&committed_text(&committed)),
    }
}

/// Runs one of the commands on a data folder.
///
/// # Errors
/// Those of the data folder and its files.
pub fn data(command: &DataCommand) -> Result<()> {
    match command {
        DataCommand::Init { root, fingerprint, branch, channel, data } => {
            init(&data.data, root, fingerprint.as_deref(), branch, channel)
        }
        DataCommand::Status { data, json } => {
            let status = branch::status(&data.data)?;
            match json {
                true => print_json(&status),
                false => print(&status_text(&status)),
            }
        }
        DataCommand::Backup(args) => backup::back_up(args),
        DataCommand::Move(args) => backup::move_away(args),
        DataCommand::Restore(args) => backup::restore(args),
        DataCommand::Rollback { data } => turned("已退回", &importer(&data.data)?.rollback(&mut |_| Ok(()), &mut ())?),
        DataCommand::Release { data } => turned("已恢复", &importer(&data.data)?.release(&mut |_| Ok(()), &mut ())?),
        DataCommand::Recover { data } => turned("已修复指向", &importer(&data.data)?.recover(&mut |_| Ok(()))?),
        DataCommand::Review { accept: Some(question), data, .. } => {
            let accepted = branch::accept(&data.data, question, &actor())?;
            print(&format!("已复核:{} → 《{}》{}\n", accepted.question, accepted.document, accepted.label))
        }
        DataCommand::Review { accept: None, data, json } => reviews(&data.data, *json),
        DataCommand::Clock { confirm, data, json } => {
            let status = branch::clock(&data.data, *confirm, &actor())?;
            match json {
                true => print_json(&status),
                false => print(&clock_text(&status)),
            }
        }
        DataCommand::Log { limit, data, json } => {
            let events = branch::events(&data.data, usize::from(*limit))?;
            if *json {
                return print_json(&events);
            }
            let line = |e: &branch::Event| format!("{} {} {} {} {}\n", e.at, e.actor, e.event, e.code, e.detail);
            print(&events.iter().map(line).collect::<String>())
        }
    }
}

/// What the journal calls whoever runs a command.
pub(super) fn actor() -> String {
    Actor::at_the_command_line().name().to_owned()
}

/// Going back and forth needs no encoder: nothing is asked of the knowledge.
fn importer(data: &Path) -> Result<Importer> {
    importing::open(data, None, &actor())
}

fn turned(what: &str, returned: &Returned) -> Result<()> {
    let hold =
        returned.hold.map_or_else(String::new, |serial| format!(";{serial} 号不再导入,恢复用 guida data release"));
    print(&format!("{what},现行知识 {}{hold}\n", returned.gid))
}

fn init(data: &Path, root: &Path, fingerprint: Option<&str>, branch: &str, channel: &str) -> Result<()> {
    let mut seal = root.as_os_str().to_owned();
    seal.push(".sig");
    let (bytes, signatures) = (read(root)?, read(Path::new(&seal))?);
    let found = importing::fingerprint_of(&bytes, &signatures)?;
    match fingerprint {
        Some(told) if !told.trim().eq_ignore_ascii_case(&found) => {
            return Err(Error::new(
                Code::PackSig,
                format!("信任根的指纹是 {found},与给出的不同"),
                "不要使用这个文件;向总行核实指纹",
            ));
        }
        Some(_) => {}
        None => {
            print(&format!("信任根指纹:{found}\n请与总行另行告知的指纹逐字核对。\n"))?;
            if !confirmed("一致?输入 yes 确认:")? {
                return print("没有建立数据目录\n");
            }
        }
    }
    let (branch, _) = importing::set_up(data, (branch, channel), (&bytes, &signatures))?;
    let status = branch::status(data)?;
    print(&format!(
        "已建立 {}:{} 网点 {},通道 {}\n设备公钥(报总行登记):{}\n下一步:guida import U盘目录 --data {}\n",
        data.display(),
        branch.bank_id,
        branch.branch,
        branch.channel,
        status.device,
        data.display()
    ))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(MAX_ROOT_FILE + 1).read_to_end(&mut bytes)).map_err(|e| {
        Error::new(Code::TrustMissing, format!("读不出 {}:{e}", path.display()), "信任根文件和它的 .sig 要放在一起")
            .because(e)
    })?;
    Ok(bytes)
}

/// Without a terminal nobody can say yes.
fn require_terminal() -> Result<()> {
    if std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Error::new(
        Code::ImportState,
        "需要人来确认,而这里没有终端",
        "在终端上运行;脚本里用 --dry-run 查看、--yes 启用(建立数据目录时用 --fingerprint)",
    ))
}

/// Asks on the terminal.
fn confirmed(question: &str) -> Result<bool> {
    require_terminal()?;
    print(question)?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| Error::new(Code::Io, format!("读不到输入:{e}"), "在终端上运行").because(e))?;
    Ok(line.trim() == "yes")
}

fn reviews(data: &Path, json: bool) -> Result<()> {
    let open = branch::reviews(data)?;
    if json {
        return print_json(&open);
    }
    if open.is_empty() {
        return print("没有待复核的问法\n");
    }
    let (questions, places) = (branch::questions(&open), open.len());
    let places = if places > questions { format!("(共 {places} 处条款,逐处复核)") } else { String::new() };
    let mut text = format!("{questions} 个问法所依据的条款有变化,复核前不再直接作答{places}:\n");
    for (index, one) in open.iter().enumerate() {
        text += &format!(
            "{}. {}\n   《{}》{}\n   原:{}\n   现:{}\n",
            index + 1,
            one.question,
            one.document,
            one.label,
            differing(&one.old_text, &one.new_text),
            differing(&one.new_text, &one.old_text)
        );
    }
    print(&(text + "复核通过:guida data review --accept 编号\n"))
}

fn status_text(status: &BranchStatus) -> String {
    let generation = |info: &Option<GenerationInfo>| match info {
        None => "无".to_owned(),
        Some(info) => format!(
            "{}(条款 {} 条,{},{} 签发)",
            info.gid,
            info.clauses,
            size(info.bytes),
            info.issued_at.map_or_else(|| "不详".to_owned(), moment)
        ),
    };
    let mut text = format!(
        "{} 网点 {},通道 {}\n现行知识:{}\n可退回:{}\n信任根:第 {} 版 {}\n设备公钥:{}\n",
        status.branch.bank_id,
        status.branch.branch,
        status.branch.channel,
        generation(&status.active),
        generation(&status.previous),
        status.root_version,
        status.root_fingerprint,
        status.device
    );
    if let Some(code) = &status.spoken_code {
        text += &format!("核对码:{code}(与总行通知核对)\n");
    }
    if let Some(hold) = status.hold {
        text += &format!("已退回并停用:{hold}\n");
    }
    if let Some(announced) = status.announced {
        text += &format!("总行公告的最新知识:{announced}\n");
    }
    if status.to_review > 0 {
        text += &format!("待复核问法:{} 个(guida data review)\n", status.to_review);
    }
    if let Some(damaged) = &status.damaged {
        text += &format!("注意:{damaged};用 guida data recover 修复\n");
    }
    text
}

fn clock_text(status: &ClockStatus) -> String {
    let floor = status.floor.map_or_else(|| "无".to_owned(), moment);
    let verdict = status.warning.as_deref().unwrap_or("时钟无异常");
    format!("本机时间 {},总行签发的最近时间 {floor}\n按 {} 有效的规定作答\n{verdict}\n", moment(status.now), status.day)
}

fn preview_text(preview: &Preview) -> String {
    let mut text = format!(
        "知识包 {}(核对码 {}),{} 签发,{}读入 {}\n",
        preview.serial,
        preview.spoken_code,
        moment(preview.issued_at),
        if preview.delta { "差异包," } else { "" },
        size(preview.copied_bytes)
    );
    for line in &preview.changelog {
        text += &format!("  {line}\n");
    }
    match &preview.diff {
        None if preview.repairs => text += "本机的这一份已损坏,将用同一个包修好,内容不变\n",
        None => text += "本机此前没有可比较的知识\n",
        Some(diff) => {
            let counts = &diff.counts;
            text += &format!(
                "变化:条款新增 {}、修改 {}、移动 {}、撤回 {};文档新增 {}、撤回 {};版本生效 {}、失效 {}\n",
                counts.added,
                counts.changed,
                counts.moved,
                counts.withdrawn,
                counts.documents_added,
                counts.documents_withdrawn,
                counts.versions_in_force,
                counts.versions_out_of_force
            );
            for change in diff.changed.iter().take(SHOWN) {
                let old = change.old_text.as_deref().unwrap_or_default();
                let new = change.new_text.as_deref().unwrap_or_default();
                text += &format!(
                    "  《{}》{}\n    原:{}\n    现:{}\n",
                    change.document,
                    change.label,
                    differing(old, new),
                    differing(new, old)
                );
            }
            for change in diff.withdrawn.iter().take(SHOWN) {
                text += &format!("  撤回 《{}》{}\n", change.document, change.label);
            }
        }
    }
    if !preview.suspended.is_empty() {
        text += &format!("{} 个问法所依据的条款有变化,启用后待复核:\n", preview.to_review());
        for one in preview.suspended.iter().take(SHOWN) {
            text += &format!("  {} → 《{}》{}\n", one.question, one.document, one.label);
        }
    }
    if !preview.models.is_empty() {
        text += &format!("随带模型:{}\n", preview.models.join("、"));
    }
    if preview.stale {
        text += "注意:这份知识已过总行规定的期限,请尽快换新\n";
    }
    if let Some(newer) = preview.newer_announced {
        text += &format!("注意:总行已公告更新的 {newer} 号知识\n");
    }
    text
}

fn committed_text(committed: &Committed) -> String {
    let receipt =
        if committed.receipt_on_stick { "回执已写到 U 盘" } else { "U 盘不可写,回执留待下次" };
    let review = match committed.suspended {
        0 => String::new(),
        n => format!(";{n} 个问法待复核(guida data review)"),
    };
    format!("已启用 {};{receipt}{review}\n", committed.gid)
}

/// A clause on one line, from shortly before the place where it differs from `other`.
fn differing(text: &str, other: &str) -> String {
    let same = text.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let skipped = if same > SHOWN_CHARS / 2 { same - SHOWN_CHARS / 3 } else { 0 };
    let line: String =
        text.chars().skip(skipped).map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS).collect();
    let before = if skipped > 0 { "…" } else { "" };
    let after = if text.chars().count() > skipped + SHOWN_CHARS { "…" } else { "" };
    format!("{before}{line}{after}")
}

/// A size for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..=1_048_575 => format!("{:.1} KiB", bytes as f64 / f64::from(1 << 10)),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}

/// A moment as people in China write it.
fn moment(at: jiff::Timestamp) -> String {
    in_china(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A bar on standard error, silent when that is no terminal; says once when the stick may be pulled out.
struct Bar {
    bar: ProgressBar,
    told: bool,
}

impl Bar {
    fn new() -> Bar {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {bytes}/{total_bytes} 剩余 {eta}") {
            bar.set_style(style);
        }
        Bar { bar, told: false }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
    fn show(&mut self, progress: &Progress) {
        self.bar.set_prefix(progress.phase.label());
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
        if progress.safe_to_remove && !self.told {
            self.told = true;
            self.bar.suspend(|| eprintln!("U 盘已读完,可以拔出(拔出后回执留待下次)"));
        }
    }
}
