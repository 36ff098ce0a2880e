//! `guida model list|add|verify|bench|remove`.

use super::args::{ModelCommand, RoleArg};
use super::output::{print, print_json};
use crate::engine::models::{self, Intake, Measured, ModelList, ModelRole, ModelRow, Registry, registry};
use crate::error::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Bytes of a gibibyte and of a mebibyte.
const GIB: f64 = (1u64 << 30) as f64;
const MIB: f64 = (1u64 << 20) as f64;

/// Other work on the machine, in threads, from which on a measurement is doubtful.
const BUSY_LOAD: f64 = 0.5;

/// Runs one of the commands.
///
/// # Errors
/// Those of the registry and of loading models.
pub fn run(command: &ModelCommand) -> Result<()> {
    match command {
        ModelCommand::List { data, json } => list(&data.data, *json),
        ModelCommand::Add { file, name, role, adapter, for_model, moved, data, json } => {
            let role = role.map(|role| match role {
                RoleArg::Large => ModelRole::Large,
                RoleArg::Small => ModelRole::Small,
                RoleArg::Embedder => ModelRole::Embedder,
                RoleArg::Reranker => ModelRole::Reranker,
            });
            let intake = Intake {
                file,
                name: name.as_deref(),
                role: role.or(adapter.then_some(ModelRole::Adapter)),
                adapts: for_model.as_deref(),
                moved: *moved,
            };
            add(&data.data, &intake, *json)
        }
        ModelCommand::Verify { model, data, json } => {
            let entry = Registry::of(&data.data).verify(model)?;
            match json {
                true => print_json(&entry),
                false => print(&format!("完好:{},SHA-256 {}\n", entry.name, entry.sha256)),
            }
        }
        ModelCommand::Bench { model, quick, context, data, json } => bench(&data.data, model, *context, *quick, *json),
        ModelCommand::Remove { model, data, json } => {
            let entry = registry(&data.data).remove(model)?;
            match json {
                true => print_json(&json!({ "removed": entry })),
                false => print(&format!("已删除:{},{}\n", entry.name, size(entry.bytes))),
            }
        }
    }
}

fn add(data: &Path, intake: &Intake<'_>, json: bool) -> Result<()> {
    // A bar on standard error, silent when that is no terminal.
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("拷贝 [{bar:30}] {bytes}/{total_bytes} 剩余 {eta}") {
        bar.set_style(style);
    }
    let added = registry(data).add(intake, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let entry = added?;
    if json {
        return print_json(&entry);
    }
    print(&format!(
        "已登记:{}({}),{},SHA-256 {}\n用 guida serve --data {} --model {} 启用\n",
        entry.name,
        role_name(entry.role),
        size(entry.bytes),
        entry.sha256,
        data.display(),
        entry.name
    ))
}

fn list(data: &Path, json: bool) -> Result<()> {
    let list = models::list(data)?;
    if json {
        return print_json(&list);
    }
    print(&table(&list))
}

/// The list as a table, one line for each model, and what is not in order below it.
fn table(list: &ModelList) -> String {
    let mut rows = vec![
        ["名字", "用途", "架构", "参数", "量化", "大小", "上下文", "对话模板", "许可", "本机内存", "速度(字首/续写)"]
            .map(str::to_owned),
    ];
    rows.extend(list.models.iter().map(cells));
    let mut widths = [0usize; 11];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let mut text = String::new();
    if list.models.is_empty() {
        text.push_str("还没有登记模型。用 guida model add 文件 登记\n");
    } else {
        for row in &rows {
            let padded = row.iter().zip(widths).map(|(cell, width)| cell.clone() + &" ".repeat(width - columns(cell)));
            text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
    }
    for note in &list.notes {
        text.push_str(&format!("注意:{note}\n"));
    }
    text
}

fn cells(row: &ModelRow) -> [String; 11] {
    let none = || "-".to_owned();
    let facts = row.facts.as_ref();
    let fit = match (&row.fit, &row.problem) {
        (_, Some(problem)) => format!("不能使用:{problem}"),
        (Some(fit), _) if !fit.fits => format!("不足,需 {}", size(fit.needed_bytes)),
        (Some(fit), _) => {
            let flags = fit.flags.as_ref().map_or_else(String::new, |flags| format!("({flags})"));
            format!("够,需 {}{flags}", size(fit.needed_bytes))
        }
        (None, None) => none(),
    };
    [
        if row.registered { row.entry.name.clone() } else { format!("{}(未登记)", row.entry.name) },
        role_name(row.entry.role).to_owned(),
        facts.map_or_else(none, |facts| facts.architecture.clone()),
        facts.map_or_else(none, |facts| count(facts.parameters)),
        facts.map_or_else(none, |facts| facts.quantization.clone()),
        size(row.entry.bytes),
        facts.and_then(|facts| facts.context_tokens).map_or_else(none, |tokens| tokens.to_string()),
        facts.and_then(|facts| facts.chat_template.as_deref()).map_or_else(none, str::to_owned),
        facts.and_then(|facts| facts.license.clone()).unwrap_or_else(none),
        fit,
        row.measured.as_ref().map_or_else(
            || "未测".to_owned(),
            |m| format!("{:.0}/{:.1} 每秒", m.prefill_per_second, m.decode_per_second),
        ),
    ]
}

fn bench(data: &Path, model: &Path, context: Option<u32>, quick: bool, json: bool) -> Result<()> {
    if !json {
        print("线程  每步  FA  缓存类型  固定核  处理问题(token/秒)  续写(token/秒)  峰值内存  典型问题(秒)\n")?;
    }
    let mut shown = Ok(());
    let bench = models::Bench { program: &models::program()?, data, model, context, quick };
    let benched = models::bench(&bench, &AtomicBool::new(false), &mut |run| {
        if !json && shown.is_ok() {
            shown = print(&bench_line(run));
        }
    })?;
    shown?;
    if json {
        return print_json(&benched);
    }
    if let Some(load) = benched.load_before.filter(|load| *load > BUSY_LOAD) {
        print(&format!("注意:测速前本机正忙(负载 {load:.1}),结果可能偏慢;空闲时再测一次\n"))?;
    }
    print(&format!("最快的设置已记下,serve 和 ask 会自动采用:\n{}", bench_line(&benched.best)))
}

fn bench_line(run: &Measured) -> String {
    let yes = |yes: bool| if yes { "是" } else { "否" };
    format!(
        "{:<4}  {:<4}  {}  {:<8}  {}      {:<18.1}  {:<14.2}  {:<8}  {:.1}\n",
        run.tuning.threads,
        run.tuning.batch_tokens,
        yes(run.tuning.flash_attention),
        serde_json::to_value(run.tuning.kv_type).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
        yes(run.tuning.pin_threads),
        run.prefill_per_second,
        run.decode_per_second,
        run.peak_bytes.map_or_else(|| "-".to_owned(), size),
        run.typical_seconds(),
    )
}

fn role_name(role: ModelRole) -> &'static str {
    match role {
        ModelRole::Large => "large",
        ModelRole::Small => "small",
        ModelRole::Embedder => "embedder",
        ModelRole::Reranker => "reranker",
        ModelRole::Adapter => "adapter",
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes >= GIB { format!("{:.1} GiB", bytes / GIB) } else { format!("{:.0} MiB", bytes / MIB) }
}

/// A number of weights as model names have it: 1.54B, 494M.
fn count(parameters: u64) -> String {
    let n = parameters as f64;
    match parameters {
        0..1_000_000 => format!("{:.0}K", n / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0}M", n / 1e6),
        1_000_000_000..10_000_000_000 => format!("{:.2}B", n / 1e9),
        _ => format!("{:.1}B", n / 1e9),
    }
}

/// Columns that a text takes on a terminal: Chinese characters and their marks take two.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffdc}') { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(count(1_543_714_304), "1.54B");
        assert_eq!(count(13_015_864_320), "13.0B");
        assert_eq!(count(494_032_768), "494M");
        assert_eq!(size(7_365_834_624), "6.9 GiB");
        assert_eq!(columns("够,需 1 GiB"), 11);
    }
}
