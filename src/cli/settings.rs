//! `guida settings`: every setting with its value and where it comes from, and changing the settings file without a running service.

use super::args::{SettingsArgs, SettingsCommand};
use super::output::{print, print_json};
use crate::config::{Origin, SettingKind, SettingRow};
use crate::engine::settings::{SettingsDesk, SettingsReply, SettingsRequest, at_rest};
use crate::error::{Error, Result};

/// Runs one of the commands.
///
/// # Errors
/// `CONFIG` for an unknown name, a value that may not be, or a file that is wrong; `IO`, `NO_SPACE` when it cannot be written.
pub fn run(args: &SettingsArgs, desk: &SettingsDesk) -> Result<()> {
    let request = match &args.command {
        None | Some(SettingsCommand::List) => SettingsRequest::List,
        Some(SettingsCommand::Set { key, value }) => SettingsRequest::Set { key: key.clone(), value: value.clone() },
        Some(SettingsCommand::Reset { key }) => SettingsRequest::Reset { key: key.clone() },
    };
    let reply = at_rest(desk, &args.data, &request)?;
    if args.json {
        print_json(&reply)?;
    } else {
        match &request {
            SettingsRequest::List => print(&list(&reply))?,
            SettingsRequest::Set { key, .. } | SettingsRequest::Reset { key } => print(&changed(&reply, key))?,
        }
    }
    // Everything is shown, and what is wrong is still an error.
    match reply.problem {
        Some(problem) => Err(Error::from(problem)),
        None => Ok(()),
    }
}

fn list(reply: &SettingsReply) -> String {
    let file = reply.file.as_deref().unwrap_or("无");
    let mut text = format!(
        "设置文件:{file}\n优先顺序:选项、环境变量(各项末尾的名字)、设置文件、默认值;正在运行的服务还可能带有选项\n"
    );
    let mut table = "";
    for row in &reply.rows {
        let (name, leaf) = row.key.split_once('.').unwrap_or(("", &row.key));
        if name != table {
            text += &format!("\n[{name}]\n");
            table = name;
        }
        let env = row.env.as_deref().unwrap_or_default();
        text += &format!("{leaf} = {}  ({})\n", value(row), origin(row));
        text += &format!("    {};{};{env}\n", row.about.zh, allowed(row));
    }
    text
}

fn value(row: &SettingRow) -> &str {
    let unset = row.unset.as_ref().map_or("未设", |unset| &unset.zh);
    row.value.as_deref().unwrap_or(unset)
}

fn origin(row: &SettingRow) -> String {
    let default = match &row.default {
        Some(default) if row.origin != Origin::Default => format!(",默认 {default}"),
        _ => String::new(),
    };
    let from = match row.origin {
        Origin::Default => "默认".to_owned(),
        Origin::File => "设置文件".to_owned(),
        Origin::Env => format!("环境变量 {}", row.env.as_deref().unwrap_or_default()),
        Origin::Flag => format!("选项 {}", row.flag.as_deref().unwrap_or_default()),
    };
    from + &default
}

fn allowed(row: &SettingRow) -> String {
    match &row.kind {
        SettingKind::Switch => "true 或 false".into(),
        SettingKind::Number { min, max, unit } => format!("{min} 到 {max} {unit}").trim_end().to_owned(),
        SettingKind::Choice { values } => values.join("、"),
        SettingKind::Address => "地址:端口".into(),
        SettingKind::Path => "路径".into(),
        SettingKind::Paths => "路径,用“:”隔开".into(),
        SettingKind::Text => "文字".into(),
    }
}

fn changed(reply: &SettingsReply, key: &str) -> String {
    let Some(row) = reply.rows.iter().find(|row| row.key == key) else { return String::new() };
    let file = reply.file.as_deref().unwrap_or_default();
    let mut text = match &row.in_file {
        Some(standing) => format!("{file}:{key} = {standing}\n"),
        None => format!("{file}:没有设 {key}\n"),
    };
    if matches!(row.origin, Origin::Env | Origin::Flag) {
        text += &format!("注意:{}优先,起作用的是 {}\n", origin(row), value(row));
    }
    text + if row.at_once { "立即采用\n" } else { "运行中的服务重启后采用\n" }
}
