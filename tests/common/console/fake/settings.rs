//! The settings of a box.

use guida::config::{Origin, SettingKind, SettingRow};
use guida::engine::reply::SettingsReply;
use guida::engine::settings::SettingsRequest;
use guida::error::{Code, Error, Result};
use guida::types::Bilingual;

/// Settings that can be changed.
pub struct Fake(Vec<SettingRow>);

fn row(key: &str, about: (&str, &str), kind: SettingKind, default: &str) -> SettingRow {
    SettingRow {
        key: key.into(),
        about: Bilingual::new(about.0, about.1),
        value: Some(default.into()),
        origin: Origin::Default,
        default: Some(default.into()),
        in_file: None,
        kind,
        env: Some(format!("GUIDA_{}", key.to_uppercase().replace('.', "_"))),
        flag: None,
        unset: None,
        at_once: key.starts_with("console."),
        pending: false,
    }
}

impl Default for Fake {
    fn default() -> Fake {
        let choice = |values: &[&str]| SettingKind::Choice { values: values.iter().map(|v| (*v).to_owned()).collect() };
        let workers = SettingKind::Number { min: 1, max: 256, unit: String::new() };
        let listen = row(
            "http.listen",
            ("柜员页面的监听地址", "where the teller page listens"),
            SettingKind::Address,
            "127.0.0.1:8080",
        );
        Fake(vec![
            SettingRow {
                value: Some("0.0.0.0:80".into()),
                origin: Origin::Flag,
                flag: Some("--listen".into()),
                ..listen
            },
            row("http.workers", ("同时处理的提问数", "questions worked on at once"), workers, "8"),
            row("models.flash_attention", ("用 flash attention", "flash attention"), SettingKind::Switch, "true"),
            row("console.language", ("控制台的语言", "language of the console"), choice(&["zh", "en"]), "zh"),
        ])
    }
}

impl Fake {
    pub fn reply(&mut self, request: SettingsRequest) -> Result<SettingsReply> {
        match request {
            SettingsRequest::List => {}
            SettingsRequest::Set { key, value } if key == "http.workers" && value.parse::<u8>().is_err() => {
                let message = format!("http.workers = {value} 不行:应为 1 到 256 的整数");
                return Err(Error::new(Code::Config, message, "输入 1 到 256 之间的数"));
            }
            SettingsRequest::Set { key, value } => self.write(&key, Some(value)),
            SettingsRequest::Reset { key } => self.write(&key, None),
        }
        let restart_needed = self.0.iter().any(|row| row.pending);
        Ok(SettingsReply {
            rows: self.0.clone(),
            file: Some("/var/lib/guida/guida.toml".into()),
            restart_needed,
            problem: None,
        })
    }

    fn write(&mut self, key: &str, value: Option<String>) {
        for row in self.0.iter_mut().filter(|row| row.key == key) {
            row.pending = !key.starts_with("console.");
            row.in_file = value.clone();
        }
    }
}
