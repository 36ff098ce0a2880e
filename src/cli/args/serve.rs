//! `guida serve` and `guida settings`: flags are the uppermost layer of the settings, so what was not given must be told from what was.

use super::{EncoderArgs, KbArg, KvTypeArg, LoraArg, ModelArgs};
use crate::config::{Given, Key, Settings};
use crate::engine::models::DEFAULT_DATA;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `guida serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "各项也可以写在数据目录的 guida.toml 里,或用环境变量设置;选项优先于环境变量,环境变量优先于文件。\n\
                        guida settings 列出全部设置、环境变量名、现在的值和来源。"
)]
pub struct ServeArgs {
    /// 监听地址 [默认: 127.0.0.1:8080]
    #[arg(long, value_name = "地址:端口")]
    pub listen: Option<std::net::SocketAddr>,
    // No `KbArg`: its environment variable is a layer of the settings.
    /// 知识库文件 [默认: 数据目录里的现行知识,没有则 knowledge.db] [环境变量: GUIDA_KB]
    #[arg(long, value_name = "文件")]
    pub kb: Option<PathBuf>,
    /// Models.
    #[command(flatten)]
    pub models: ModelArgs,
    /// HTTP 工作线程数 [默认: 8]
    #[arg(long, value_name = "个数", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Settings file.
    #[command(flatten)]
    pub config: ConfigArg,
}

/// Another settings file.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArg {
    /// 设置文件 [默认: 数据目录里的 guida.toml]
    #[arg(long, value_name = "文件", env = "GUIDA_CONFIG", global = true)]
    pub config: Option<PathBuf>,
}

/// `guida settings …`.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// What to do; to list when nothing is named.
    #[command(subcommand)]
    pub command: Option<SettingsCommand>,
    /// 数据目录
    #[arg(long, value_name = "目录", default_value = DEFAULT_DATA, env = "GUIDA_DATA", global = true)]
    pub data: PathBuf,
    /// Settings file.
    #[command(flatten)]
    pub config: ConfigArg,
    /// 输出 JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub enum SettingsCommand {
    /// 列出全部设置:值、来源、默认值
    List,
    /// 把一项写进设置文件,服务重启后采用
    Set {
        /// 设置的名字,如 http.workers
        key: String,
        /// 值
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// 从设置文件去掉一项
    Reset {
        /// 设置的名字,如 http.workers
        key: String,
    },
}

impl ServeArgs {
    /// Adds the flags that were given to what the environment says.
    pub fn given(&self, env: Given) -> Given {
        let m = &self.models;
        let lora = m.lora.as_ref().map(|lora| {
            let mut text = lora.adapter.clone().into_os_string();
            text.push(format!("={}", lora.scale));
            text
        });
        let kv_type = m.kv_type.and_then(|kind| kind.to_possible_value()).map(|value| value.get_name().to_owned());
        let number = |number: Option<u32>| number.map(|n| n.to_string());
        let megabytes = |number: Option<u64>| number.map(|n| n.to_string());
        env.flag(Key::HttpListen, self.listen.map(|address| address.to_string()))
            .flag(Key::HttpWorkers, self.workers.map(|n| n.to_string()))
            .flag(Key::KnowledgeFile, self.kb.as_ref())
            .flag(Key::ModelsLarge, m.model.as_ref())
            .flag(Key::ModelsSmall, m.small_model.as_ref())
            .flag(Key::ModelsLora, lora)
            .flag(Key::ModelsContext, number(m.context))
            .flag(Key::ModelsSlots, number(m.slots))
            .flag(Key::ModelsBatch, number(m.batch))
            .flag(Key::ModelsThreads, number(m.threads))
            .switch(Key::ModelsPin, m.pin, true)
            .flag(Key::ModelsKvType, kv_type)
            .switch(Key::ModelsFlashAttention, m.no_flash_attention, false)
            .flag(Key::ModelsPromptCache, megabytes(m.prompt_cache))
            .flag(Key::ModelsMemoryLimit, megabytes(m.model_memory))
            .switch(Key::ModelsMlock, m.mlock, true)
            .switch(Key::ModelsMmap, m.no_mmap, false)
            .switch(Key::ModelsRepack, m.no_repack, false)
            .switch(Key::ModelsUseEmbedder, m.encoder.no_embedder, false)
            .flag(Key::ModelsEmbedder, m.encoder.embedder.as_ref())
            .flag(Key::ModelsReranker, m.reranker.as_ref())
    }

    /// The knowledge file that the settings name.
    pub fn knowledge(settings: &Settings) -> KbArg {
        KbArg { kb: settings.path(Key::KnowledgeFile) }
    }

    /// What the settings say of models, as if all of it had been given as flags. Whether a switch was set to its opposite cannot be
    /// told from flags; that stays with the settings.
    pub fn models(&self, settings: &Settings) -> ModelArgs {
        let off = |key| settings.switch(key) == Some(false);
        let on = |key| settings.switch(key) == Some(true);
        ModelArgs {
            model: settings.path(Key::ModelsLarge),
            small_model: settings.path(Key::ModelsSmall),
            data: self.models.data.clone(),
            encoder: EncoderArgs {
                embedder: settings.path(Key::ModelsEmbedder),
                no_embedder: off(Key::ModelsUseEmbedder),
                ..self.models.encoder.clone()
            },
            reranker: settings.path(Key::ModelsReranker),
            lora: settings.text(Key::ModelsLora).and_then(|text| text.parse::<LoraArg>().ok()),
            threads: settings.number(Key::ModelsThreads),
            pin: on(Key::ModelsPin),
            model_memory: settings.number(Key::ModelsMemoryLimit),
            context: settings.number(Key::ModelsContext),
            slots: settings.number(Key::ModelsSlots),
            batch: settings.number(Key::ModelsBatch),
            kv_type: settings.text(Key::ModelsKvType).and_then(|text| KvTypeArg::from_str(text, false).ok()),
            no_flash_attention: off(Key::ModelsFlashAttention),
            mlock: on(Key::ModelsMlock),
            no_mmap: off(Key::ModelsMmap),
            no_repack: off(Key::ModelsRepack),
            prompt_cache: settings.number(Key::ModelsPromptCache),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cli, Command};
    use super::*;
    use crate::config::{FileSettings, Kind, Origin, SETTINGS, Setting};
    use clap::{CommandFactory, Parser};

    fn serve(flags: &[&str]) -> Option<ServeArgs> {
        let cli = Cli::try_parse_from([&["guida", "serve"], flags].concat()).ok()?;
        let Command::Serve(args) = cli.command else { panic!("serve") };
        Some(args)
    }

    /// What the flags of one setting make of it.
    fn resolved(setting: &Setting, flags: &[&str]) -> Option<(Settings, ServeArgs)> {
        let args = serve(flags)?;
        let (settings, problems) = Settings::resolve(&FileSettings::default(), &args.given(Given::default()));
        assert_eq!(problems, [], "{}", setting.key);
        Some((settings, args))
    }

    #[test]
    fn every_flag_of_the_table_is_a_flag_of_serve_with_the_same_limits() {
        for setting in SETTINGS {
            let Some(flag) = setting.flag() else { continue };
            let typed: Vec<String> = match setting.kind {
                Kind::Switch => vec![],
                Kind::Number { min, max, .. } => vec![min.to_string(), max.to_string()],
                Kind::Choice(words) => words.iter().map(|&word| word.to_owned()).collect(),
                Kind::Address => vec!["10.1.2.3:4".into()],
                Kind::Path | Kind::Paths | Kind::Text => vec!["/x/中 文".into()],
                Kind::Adapter => vec!["a.gguf=0.5".into()],
            };
            if typed.is_empty() {
                let (settings, args) = resolved(setting, &[flag]).unwrap();
                assert_eq!(settings.switch(setting.id), Some(!flag.starts_with("--no-")), "{flag}");
                let again = ServeArgs { models: args.models(&settings), ..args };
                assert_eq!(
                    Settings::resolve(&FileSettings::default(), &again.given(Given::default())).0.switch(setting.id),
                    settings.switch(setting.id)
                );
            }
            for value in typed {
                let (settings, args) = resolved(setting, &[flag, &value]).unwrap_or_else(|| panic!("{flag} {value}"));
                let told = |settings: &Settings| settings.value(setting.id).map(ToString::to_string);
                assert_eq!((told(&settings), settings.origin(setting.id)), (Some(value), Origin::Flag));
                let again = ServeArgs { models: args.models(&settings), ..args };
                assert_eq!(
                    told(&Settings::resolve(&FileSettings::default(), &again.given(Given::default())).0),
                    told(&settings)
                );
            }
            if let Kind::Number { min, max, .. } = setting.kind {
                let refused = |value: i64| {
                    serve(&[flag, &value.to_string()]).is_none_or(|args| {
                        !Settings::resolve(&FileSettings::default(), &args.given(Given::default())).1.is_empty()
                    })
                };
                assert!(refused(min - 1) && refused(max + 1), "{flag}");
            }
        }
    }

    #[test]
    fn without_flags_nothing_is_given_and_the_help_tells_the_defaults() {
        let args = serve(&[]).unwrap();
        let (settings, _) = Settings::resolve(&FileSettings::default(), &args.given(Given::default()));
        assert!(SETTINGS.iter().all(|setting| settings.origin(setting.id) == Origin::Default));
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("serve").unwrap().render_long_help().to_string();
        for key in [Key::HttpListen, Key::HttpWorkers] {
            let default = format!("[默认: {}]", key.setting().default().unwrap());
            assert!(help.contains(&default), "{default}");
        }
        assert!(help.contains("guida.toml") && help.contains("--config"));
    }
}
