//! The layers laid over each other, and what counts in the end.

use super::file::{FileSettings, cut, unknown_words};
use super::table::{Key, SETTINGS, Setting, Unset};
use super::value::{Source, Value};
use super::{Origin, SettingRow};
use crate::error::{Code, Error};
use crate::types::Bilingual;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Something that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: the file and line, the variable, the flag; empty when it concerns several.
    pub place: String,
    /// What, in Chinese.
    pub message: String,
    /// What to do, in Chinese.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if self.place.is_empty() { "" } else { ":" };
        write!(f, "{}{between}{}({})", self.place, self.message, self.hint)
    }
}

/// All problems as one error, `CONFIG`; `None` without any.
pub fn refusal(problems: &[Problem]) -> Option<Error> {
    match problems {
        [] => None,
        [Problem { place, message, hint }] => {
            let between = if place.is_empty() { "" } else { ":" };
            Some(Error::new(Code::Config, format!("{place}{between}{message}"), hint.clone()))
        }
        many => {
            let lines: String = many.iter().map(|problem| format!("\n  {problem}")).collect();
            Some(Error::new(
                Code::Config,
                format!("设置有 {} 处不对:{lines}\n  共 {} 处", many.len(), many.len()),
                "逐处改好后重试;guida settings 列出全部设置、允许的值和来源",
            ))
        }
    }
}

/// A name that is no setting, as an error: `CONFIG` with the name that was probably meant.
pub fn unknown(key: &str) -> Error {
    let (message, hint) = unknown_words(key);
    Error::new(Code::Config, message, hint)
}

/// What environment and flags say, unchecked.
#[derive(Debug, Clone, Default)]
pub struct Given {
    env: BTreeMap<Key, OsString>,
    flags: BTreeMap<Key, OsString>,
}

impl Given {
    /// What the environment says, asked by name. An empty variable sets nothing.
    pub fn from_env(lookup: impl Fn(&str) -> Option<OsString>) -> Given {
        let said = |setting: &Setting| {
            let value = lookup(&setting.env()).filter(|value| !value.is_empty())?;
            Some((setting.id, value))
        };
        Given { env: SETTINGS.iter().filter_map(said).collect(), flags: BTreeMap::new() }
    }

    /// Adds what a flag says; `None` when it was not given.
    pub fn flag(mut self, key: Key, value: Option<impl Into<OsString>>) -> Given {
        if let Some(value) = value {
            self.flags.insert(key, value.into());
        }
        self
    }

    /// Adds a flag without a value: given, it means `value`.
    pub fn switch(self, key: Key, given: bool, value: bool) -> Given {
        self.flag(key, given.then(|| value.to_string()))
    }

    /// The layers above the file, the upper one last.
    fn layers<'a>(&'a self, setting: &Setting) -> [(Origin, Option<&'a OsStr>); 2] {
        let said = |layer: &'a BTreeMap<Key, OsString>| layer.get(&setting.id).map(OsString::as_os_str);
        [(Origin::Env, said(&self.env)), (Origin::Flag, said(&self.flags))]
    }
}

/// What counts.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<Key, (Value, Origin)>,
}

impl Settings {
    /// Lays the layers over each other: default, file, environment, flag. What is wrong is told and counts nowhere.
    pub fn resolve(file: &FileSettings, given: &Given) -> (Settings, Vec<Problem>) {
        let mut settings = Settings::default();
        let mut problems = file.problems().to_vec();
        for setting in SETTINGS {
            let mut put = |value: Value, origin| settings.values.insert(setting.id, (value, origin));
            if let Some(default) = setting.default().and_then(|text| setting.kind.read(text, Source::File)) {
                put(default, Origin::Default);
            }
            if let Some(value) = file.value(setting.id) {
                put(value.clone(), Origin::File);
            }
            for (origin, said) in given.layers(setting) {
                let Some(said) = said else { continue };
                match said.to_str().and_then(|text| setting.kind.read(text, Source::Call)) {
                    Some(value) => {
                        put(value, origin);
                    }
                    None => problems.push(wrong(setting, origin, &said.to_string_lossy())),
                }
            }
        }
        problems.extend(settings.contradiction());
        (settings, problems)
    }

    /// Settings that are right one by one and exclude each other.
    fn contradiction(&self) -> Option<Problem> {
        let small = self.text(Key::ModelsKvType) == Some("q8_0");
        let without = self.switch(Key::ModelsFlashAttention) == Some(false);
        (small && without).then(|| Problem {
            place: String::new(),
            message: "models.kv_type 为 q8_0 时需要 flash attention,而 models.flash_attention 是 false".into(),
            hint: "把 models.flash_attention 改成 true,或把 models.kv_type 改成 f16".into(),
        })
    }

    /// The value that counts.
    pub fn value(&self, key: Key) -> Option<&Value> {
        self.values.get(&key).map(|(value, _)| value)
    }

    /// Where it comes from.
    pub fn origin(&self, key: Key) -> Origin {
        self.values.get(&key).map_or(Origin::Default, |(_, origin)| *origin)
    }

    /// The value of a switch.
    pub fn switch(&self, key: Key) -> Option<bool> {
        match self.value(key) {
            Some(Value::Switch(on)) => Some(*on),
            _ => None,
        }
    }

    /// The value of a number.
    pub fn number<T: TryFrom<i64>>(&self, key: Key) -> Option<T> {
        match self.value(key) {
            Some(Value::Number(number)) => T::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The value of everything that is one piece of text.
    pub fn text(&self, key: Key) -> Option<&str> {
        match self.value(key) {
            Some(Value::Words(text)) => Some(text),
            _ => None,
        }
    }

    /// The same as a path.
    pub fn path(&self, key: Key) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    /// The same as an address.
    pub fn address(&self, key: Key) -> Option<SocketAddr> {
        self.text(key).and_then(|text| text.parse().ok())
    }

    /// The value of paths; none when nothing is set.
    pub fn paths(&self, key: Key) -> Vec<PathBuf> {
        match self.value(key) {
            Some(Value::Paths(paths)) => paths.iter().map(PathBuf::from).collect(),
            _ => Vec::new(),
        }
    }

    /// Every setting as people see it: these are the settings of the running service, `now` those that the file would give it today.
    pub fn rows(&self, now: &Settings, file: &FileSettings) -> Vec<SettingRow> {
        let row = |setting: &Setting| {
            let counting = if setting.at_once { now } else { self };
            SettingRow {
                key: setting.key.into(),
                about: setting.about(),
                value: counting.value(setting.id).map(Value::to_string),
                origin: counting.origin(setting.id),
                default: setting.default().map(str::to_owned),
                unset: match setting.unset {
                    Unset::Fixed(_) => None,
                    Unset::Otherwise(zh, en) => Some(Bilingual::new(zh, en)),
                },
                in_file: file.standing(setting.id),
                kind: setting.kind.shown(),
                env: Some(setting.env()),
                flag: setting.flag().map(str::to_owned),
                at_once: setting.at_once,
                pending: counting.value(setting.id) != now.value(setting.id),
            }
        };
        SETTINGS.iter().map(row).collect()
    }
}

fn wrong(setting: &Setting, origin: Origin, said: &str) -> Problem {
    let place = match origin {
        Origin::Flag => format!("选项 {}", setting.flag().unwrap_or(setting.key)),
        _ => format!("环境变量 {}", setting.env()),
    };
    Problem {
        place,
        message: format!("{} 应是{},现在是 {}", setting.key, setting.kind.allowed(Source::Call), cut(said)),
        hint: "改成允许的值,或去掉".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    /// Another value than the default.
    fn other(setting: &Setting) -> String {
        match setting.kind {
            Kind::Switch => (setting.default() != Some("true")).to_string(),
            Kind::Number { min, max, .. } => {
                if setting.default() == Some(&max.to_string()) { min } else { max }.to_string()
            }
            Kind::Choice(words) => (*words.last().unwrap()).into(),
            Kind::Address => "10.0.0.1:9".into(),
            Kind::Path => "/x/ü 中.db".into(),
            Kind::Paths => "/media:/mnt/中 文".into(),
            Kind::Text => "模型 \"七\" \\".into(),
            Kind::Adapter => "a.gguf=0.5".into(),
        }
    }

    #[test]
    fn later_layers_win_for_every_setting() {
        for setting in SETTINGS {
            let text = other(setting);
            let value = setting.kind.read(&text, Source::File).unwrap();
            let file = FileSettings::read(format!("{} = {}", setting.key, value.to_toml()).as_bytes(), "f");
            let env = Given::from_env(|name| (name == setting.env()).then(|| text.clone().into()));
            let flag = env.clone().flag(setting.id, Some(&text));
            let nothing = FileSettings::default();
            let origin = |file: &FileSettings, given: &Given| {
                let (settings, problems) = Settings::resolve(file, given);
                assert_eq!(problems, [], "{}", setting.key);
                (settings.origin(setting.id), settings.value(setting.id).cloned())
            };
            let default = setting.default().map(|d| setting.kind.read(d, Source::File).unwrap());
            assert_eq!(origin(&nothing, &Given::default()), (Origin::Default, default));
            assert_eq!(origin(&file, &Given::default()), (Origin::File, Some(value.clone())));
            assert_eq!(origin(&file, &env), (Origin::Env, Some(value.clone())));
            assert_eq!(origin(&file, &flag), (Origin::Flag, Some(value.clone())));
            assert_eq!(origin(&nothing, &flag), (Origin::Flag, Some(value)));
        }
    }

    #[test]
    fn what_is_wrong_anywhere_is_told_together() {
        let file = FileSettings::read(b"http.workers = 0\nhttp.lsiten = 1", "f");
        let given =
            Given::from_env(|name| (name == "GUIDA_MODELS_PIN").then(|| "ja".into())).flag(Key::HttpListen, Some("x"));
        let (settings, problems) = Settings::resolve(&file, &given);
        let error = refusal(&problems).unwrap();
        assert_eq!(error.code(), Code::Config);
        for words in
            ["有 4 处不对", "f 第 1 行", "f 第 2 行", "环境变量 GUIDA_MODELS_PIN", "选项 --listen", "现在是 ja"]
        {
            assert!(error.message().contains(words), "{error}");
        }
        assert_eq!(settings.number(Key::HttpWorkers), Some(8));
        assert!(refusal(&[]).is_none());
        let one = refusal(&problems[..1]).unwrap();
        assert!(one.message().starts_with("f 第 1 行:http.workers 应是1 到 256") && !one.hint().is_empty(), "{one}");
    }

    #[test]
    fn an_empty_variable_sets_nothing_and_no_utf_8_is_told() {
        use std::os::unix::ffi::OsStringExt;
        let (settings, problems) = Settings::resolve(&FileSettings::default(), &Given::from_env(|_| Some("".into())));
        assert!(problems.is_empty() && settings.values.values().all(|(_, origin)| *origin == Origin::Default));
        let given = Given::default().flag(Key::KnowledgeFile, Some(OsString::from_vec(vec![0xff])));
        assert_eq!(Settings::resolve(&FileSettings::default(), &given).1.len(), 1);
    }

    #[test]
    fn exclusive_settings_are_told() {
        let file = FileSettings::read(b"[models]\nkv_type = 'q8_0'\nflash_attention = false", "f");
        assert_eq!(Settings::resolve(&file, &Given::default()).1.len(), 1);
        let given = Given::default().flag(Key::ModelsKvType, Some("f16"));
        assert!(Settings::resolve(&file, &given).1.is_empty());
    }

    #[test]
    fn rows_tell_what_waits_for_a_start() {
        let (running, _) = Settings::resolve(&FileSettings::default(), &Given::default());
        let file = FileSettings::read(b"http.workers = 9\nconsole.language = 'en'\nhttp.max_waiting = 256", "f");
        let (now, _) = Settings::resolve(&file, &Given::default());
        let rows = running.rows(&now, &file);
        let row = |key: &str| rows.iter().find(|row| row.key == key).unwrap();
        let workers = row("http.workers");
        assert_eq!(
            (workers.value.as_deref(), workers.in_file.as_deref(), workers.pending),
            (Some("8"), Some("9"), true)
        );
        let language = row("console.language");
        assert_eq!((language.value.as_deref(), language.origin, language.pending), (Some("en"), Origin::File, false));
        assert!(!row("http.max_waiting").pending);
        assert!(row("models.threads").value.is_none() && row("models.threads").unset.is_some());
    }
}
