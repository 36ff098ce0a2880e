//! The one table of the settings. Adding a setting is adding a line here, and using it where it counts.

use super::value::Kind;
use crate::types::Bilingual;

/// What counts when nothing is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// This value, as it would be typed.
    Fixed(&'static str),
    /// What these words say, in Chinese and English: something measured, or nothing.
    Otherwise(&'static str, &'static str),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in code.
    pub id: Key,
    /// Its name in the file, with its table.
    pub key: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What counts when nothing is set.
    pub unset: Unset,
    /// The flag of `guida serve`; empty without one.
    flag: &'static str,
    /// Whether a change counts at once, or when the service is started anew.
    pub at_once: bool,
    /// What it does, in Chinese.
    zh: &'static str,
    /// What it does, in English.
    en: &'static str,
}

impl Setting {
    /// The table in the file: `http`.
    pub fn table(&self) -> &'static str {
        self.key.split_once('.').map_or("", |(table, _)| table)
    }

    /// The name inside the table: `listen`.
    pub fn leaf(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, leaf)| leaf)
    }

    /// The environment variable: `GUIDA_HTTP_LISTEN`. The knowledge file had its own before there was a table.
    pub fn env(&self) -> String {
        match self.id {
            Key::KnowledgeFile => "GUIDA_KB".into(),
            _ => format!("GUIDA_{}", self.key.to_ascii_uppercase().replace('.', "_")),
        }
    }

    /// The flag of `guida serve`.
    pub fn flag(&self) -> Option<&'static str> {
        (!self.flag.is_empty()).then_some(self.flag)
    }

    /// What it does.
    pub fn about(&self) -> Bilingual {
        Bilingual::new(self.zh, self.en)
    }

    /// The fixed default, as it would be typed.
    pub fn default(&self) -> Option<&'static str> {
        match self.unset {
            Unset::Fixed(value) => Some(value),
            Unset::Otherwise(..) => None,
        }
    }

    /// The setting of this name.
    pub fn named(key: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

macro_rules! settings {
    ($($id:ident = $key:literal, $kind:expr, $unset:expr, $flag:literal, $at_once:expr; $zh:literal, $en:literal;)*) => {
        /// A setting's name in code, in the order of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $(#[doc = $en] $id,)*
        }

        /// Every setting, in the order in which people see them.
        pub static SETTINGS: &[Setting] = &[$(Setting {
            id: Key::$id, key: $key, kind: $kind, unset: $unset, flag: $flag, at_once: $at_once, zh: $zh, en: $en,
        },)*];
    };
}

impl Key {
    /// Its line of the table: the names are made from the lines.
    pub fn setting(self) -> &'static Setting {
        &SETTINGS[self as usize]
    }
}

use Unset::{Fixed, Otherwise};

/// A change counts at once.
const AT_ONCE: bool = true;
/// A change counts when the service is started anew.
const RESTART: bool = false;

/// A whole number within limits.
const fn number(min: i64, max: i64, unit: &'static str) -> Kind {
    Kind::Number { min, max, unit }
}

// The limits of numbers that are flags as well are those of the flags.
settings! {
    HttpListen = "http.listen", Kind::Address, Fixed("127.0.0.1:8080"), "--listen", RESTART;
        "网页和接口的监听地址;0.0.0.0:8080 让网点的其他电脑能打开", "Where the page listens; 0.0.0.0:8080 lets the other computers of the branch in";
    HttpWorkers = "http.workers", number(1, 256, ""), Fixed("8"), "--workers", RESTART;
        "同时处理的请求数", "Requests that are worked on at once";
    HttpMaxConnections = "http.max_connections", number(1, 4096, ""), Fixed("512"), "", RESTART;
        "最多同时打开的连接,一个浏览器至多占六个", "Most open connections; a browser takes up to six";
    HttpMaxPerClient = "http.max_per_client", number(6, 4096, ""), Fixed("256"), "", RESTART;
        "一台电脑最多同时打开的连接,再多的先关闭它自己空闲的;不超过总数的四分之三", "Most open connections of one computer, at most three quarters of all; more close its own idle ones";
    HttpNames = "http.names", Kind::Text, Otherwise("只认 IP 地址、localhost 和本机名", "addresses, localhost and the machine's own name only"), "", RESTART;
        "打开网页所用的域名,多个用空格分开;别的名字一律拒绝", "Names by which the page is opened, with blanks between them; any other is refused";
    HttpMaxWaiting = "http.max_waiting", number(1, 4096, ""), Fixed("256"), "", RESTART;
        "最多排队的请求,再多的立刻回绝", "Requests that may wait; more are refused at once";
    HttpQueueTimeout = "http.queue_timeout_s", number(1, 300, "s"), Fixed("5"), "", RESTART;
        "请求排队的最长时间", "Longest wait of a request for its turn";
    HttpProseTimeout = "http.prose_timeout_s", number(10, 3600, "s"), Fixed("180"), "", RESTART;
        "生成一段说明的最长时间", "Longest time for writing one explanation";
    KnowledgeFile = "knowledge.file", Kind::Path, Otherwise("数据目录里的现行知识", "the active knowledge of the data folder"), "--kb", RESTART;
        "固定使用这个知识库文件;设了以后不再采用导入的知识", "Always use this knowledge file; imported knowledge is then not used";
    KnowledgeRecheck = "knowledge.recheck_minutes", number(1, 10_080, "min"), Fixed("60"), "", RESTART;
        "每隔多久把知识与总行签发的逐字节再核对一遍,没有人提问时进行", "How often the knowledge is compared again with what head office signed, while nobody asks";
    DiskReserve = "disk.reserve_mb", number(64, 1_048_576, "MiB"), Fixed("512"), "", AT_ONCE;
        "数据目录所在磁盘剩余少于这么多就告警", "With less than this left on the disk of the data folder, an alarm is raised";
    ModelsLarge = "models.large", Kind::Text, Otherwise("登记为 large 的模型", "the model registered as large"), "--model", RESTART;
        "写说明的模型:登记的名字或 GGUF 文件", "The model that writes explanations: a registered name or a GGUF file";
    ModelsSmall = "models.small", Kind::Text, Otherwise("不用", "none"), "--small-model", RESTART;
        "另一个较小的模型,写容易的说明", "A smaller model beside it for easy questions";
    ModelsLora = "models.lora", Kind::Adapter, Otherwise("不用", "none"), "--lora", RESTART;
        "LoRA 适配器:登记的名字或 GGUF 文件,可加“=倍数”", "A LoRA adapter: a registered name or a GGUF file, with =FACTOR if wanted";
    ModelsContext = "models.context", number(256, 131_072, "token"), Otherwise("4096,内存不够时减少", "4096, less where memory is short"), "--context", RESTART;
        "模型上下文长度", "Context of the model";
    ModelsSlots = "models.slots", number(1, 32, ""), Otherwise("4,内存不够时减少", "4, fewer where memory is short"), "--slots", RESTART;
        "同时写几份说明", "Explanations that are written at the same time";
    ModelsBatch = "models.batch", number(1, 4096, "token"), Otherwise("测速的结果,没有测速时 512", "as measured, else 512"), "--batch", RESTART;
        "每步最多处理的 token 数", "Most tokens of one step";
    ModelsThreads = "models.threads", number(1, 256, ""), Otherwise("测速的结果,没有测速时比 CPU 核数少一", "as measured, else one fewer than there are cores"), "--threads", RESTART;
        "模型使用的线程数", "Threads of the model";
    ModelsPin = "models.pin", Kind::Switch, Otherwise("测速的结果,没有测速时 false", "as measured, else false"), "--pin", RESTART;
        "每个线程固定在一个核上", "Each thread stays on one core";
    ModelsKvType = "models.kv_type", Kind::Choice(&["f16", "q8_0"]), Otherwise("测速的结果,没有测速时 f16", "as measured, else f16"), "--kv-type", RESTART;
        "上下文缓存的类型:q8_0 省一半内存", "Type of the context's memory: q8_0 takes half of it";
    ModelsFlashAttention = "models.flash_attention", Kind::Switch, Otherwise("测速的结果,没有测速时 true", "as measured, else true"), "--no-flash-attention", RESTART;
        "使用 flash attention", "Use flash attention";
    ModelsPromptCache = "models.prompt_cache_mb", number(0, 1_048_576, "MiB"), Otherwise("整机内存的十六分之一,内存不够时减少", "a sixteenth of the machine's memory, less where memory is short"), "--prompt-cache", RESTART;
        "提示缓存的内存,0 为不用", "Memory of the prompt cache; 0 is none";
    ModelsMemoryLimit = "models.memory_limit_mb", number(64, 1_048_576, "MiB"), Otherwise("不限", "no limit"), "--model-memory", RESTART;
        "生成进程最多可用的内存", "Most memory of the process that writes";
    ModelsMlock = "models.mlock", Kind::Switch, Fixed("false"), "--mlock", RESTART;
        "把模型锁在内存里,不被换出", "Keep the model in memory, never swapped out";
    ModelsMmap = "models.mmap", Kind::Switch, Fixed("true"), "--no-mmap", RESTART;
        "用文件映射读模型", "Map the model's file instead of reading it";
    ModelsRepack = "models.repack", Kind::Switch, Fixed("true"), "--no-repack", RESTART;
        "重排权重:处理问题快一些,多占内存", "Rearrange the weights: faster, takes more memory";
    ModelsUseEmbedder = "models.use_embedder", Kind::Switch, Fixed("true"), "--no-embedder", RESTART;
        "使用编码模型;false 时只按文字检索", "Use the encoder; without it only words are searched";
    ModelsEmbedder = "models.embedder", Kind::Path, Otherwise("自带的编码模型", "the bundled encoder"), "--embedder", RESTART;
        "代替自带的编码模型(GGUF);知识库须用同一模型生成", "Another encoder (GGUF); the knowledge must have been made with it";
    ModelsReranker = "models.reranker", Kind::Path, Otherwise("不用", "none"), "--reranker", RESTART;
        "重排模型(GGUF),把找到的前 20 条重新排序", "A model (GGUF) that puts the first 20 hits in order";
    ImportSticks = "import.sticks", Kind::Paths, Otherwise("只找自动挂载的 U 盘", "only sticks that are mounted by themselves"), "", AT_ONCE;
        "另外到这些目录里找知识包", "More folders to look for packs in";
    ConsoleLanguage = "console.language", Kind::Choice(&["zh", "en"]), Fixed("zh"), "", AT_ONCE;
        "控制台的语言", "Language of the console";
    ConsoleCharset = "console.charset", Kind::Choice(&["auto", "unicode", "ascii"]), Fixed("auto"), "", AT_ONCE;
        "控制台的字符:ascii 用于没有中文字体的屏幕", "Characters of the console: ascii for a screen without Chinese fonts";
    ConsoleColor = "console.color", Kind::Choice(&["auto", "16", "none"]), Fixed("auto"), "", AT_ONCE;
        "控制台的颜色", "Colours of the console";
}

#[cfg(test)]
mod tests {
    use super::super::value::Source;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_line_is_sound() {
        let mut names = BTreeSet::new();
        for (index, setting) in SETTINGS.iter().enumerate() {
            assert_eq!(setting.id as usize, index);
            assert!(
                std::ptr::eq(setting.id.setting(), setting)
                    && std::ptr::eq(Setting::named(setting.key).unwrap(), setting)
            );
            assert!(!setting.table().is_empty() && !setting.leaf().contains('.'), "{}", setting.key);
            for name in [setting.key.to_owned(), setting.env(), setting.flag().unwrap_or(setting.key).to_owned() + "/"]
            {
                assert!(names.insert(name.clone()), "{name} stands twice");
            }
            let about = setting.about();
            assert!(!about.zh.is_empty() && about.en.is_ascii(), "{}", setting.key);
            if let Some(default) = setting.default() {
                let value = setting.kind.read(default, Source::File).unwrap_or_else(|| panic!("{}", setting.key));
                assert_eq!(value.to_string(), default);
            }
        }
    }
}
