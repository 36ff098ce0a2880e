//! The commands of head office: `guida pack …`.

use clap::{Args, Subcommand, ValueEnum};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

/// Strongest compression that zstd knows.
const MAX_LEVEL: i64 = 22;
/// Most packs of the folder itself to build patches against; with the whole file that is as many sources as a file may have.
const MAX_DELTAS: i64 = 7;

/// `guida pack …`.
#[derive(Debug, Subcommand)]
pub enum PackCommand {
    /// 生成一把密钥:NAME.key(有口令保护,本人保管)和 NAME.pub(交给制作信任根的人)
    Keygen {
        /// 密钥文件的路径,不带结尾:写成 keys/zhang 得到 keys/zhang.key 和 keys/zhang.pub
        #[arg(long, value_name = "路径")]
        out: PathBuf,
        /// 由谁保管,写进信任根给人看
        #[arg(long, value_name = "姓名")]
        holder: String,
        /// 算法
        #[arg(long, value_name = "算法", default_value = "ed25519")]
        alg: AlgArg,
        /// Passphrase.
        #[command(flatten)]
        passphrase: PassphraseArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 建立第一版信任根:谁可以签什么、要几个签名
    Root(RootArgs),
    /// 轮换信任根:换人、吊销密钥、改签名个数、开始新纪元
    Rotate(RotateArgs),
    /// 由知识库(和模型)制作知识包,写进 U 盘或文件夹
    Build(PackBuildArgs),
    /// 签名:知识包、信标或信任根;合并别的机器上签好的签名
    Sign(SignArgs),
    /// 公布最新的知识包(信标),网点据此识别旧 U 盘
    Beacon {
        /// 含有 kbpack 的文件夹
        #[arg(value_name = "文件夹")]
        folder: PathBuf,
        /// 公布哪一号,默认是签齐的最新一号
        #[arg(long, value_name = "编号")]
        seq: Option<u64>,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 查看 U 盘上有什么:信任根、知识包、签名进度、网点回执
    Inspect {
        /// 含有 kbpack 的文件夹
        #[arg(value_name = "文件夹")]
        folder: PathBuf,
        /// 各网点设备公钥的清单(每行 {"branch":"网点号","device":"公钥"}),用来核对回执
        #[arg(long, value_name = "文件")]
        devices: Option<PathBuf>,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 照网点导入前的检查做一遍:信任根、签名、每一个分卷、解出的每一个文件
    Verify(VerifyArgs),
}

/// Algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AlgArg {
    /// Ed25519
    Ed25519,
    /// 国密 SM2
    Sm2,
}

/// Where the passphrase comes from.
#[derive(Debug, Args)]
pub struct PassphraseArg {
    /// 口令在此文件的第一行(供脚本用);不给则在终端输入
    #[arg(long, value_name = "文件", env = "GUIDA_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// `guida pack root`.
#[derive(Debug, Args)]
pub struct RootArgs {
    /// 写进哪里:U 盘或文件夹,其中的 kbpack 会建立
    #[arg(value_name = "文件夹")]
    pub folder: PathBuf,
    /// 银行标识
    #[arg(long, value_name = "标识")]
    pub bank: String,
    /// 某角色的公钥,角色是 root、publish 或 beacon;可重复,一把公钥可用于几个角色
    #[arg(long = "key", value_name = "角色=文件.pub", required = true)]
    pub keys: Vec<RoleFile>,
    /// 某角色要几个签名,如 publish=ed25519:2,sm2:1 [默认: root 过半数,publish 2 个,beacon 1 个;有 sm2 公钥的另加 sm2 1 个]
    #[arg(long, value_name = "角色=算法:个数")]
    pub require: Vec<Requirement>,
    /// 网点反馈加密给谁(age1…);可重复
    #[arg(long = "recipient", value_name = "公钥")]
    pub recipients: Vec<String>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida pack rotate`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// 含有 kbpack 的文件夹
    #[arg(value_name = "文件夹")]
    pub folder: PathBuf,
    /// 加入某角色的公钥;可重复
    #[arg(long, value_name = "角色=文件.pub")]
    pub add: Vec<RoleFile>,
    /// 从所有角色中去掉一把密钥:编号的前 8 位以上,或持有人全名;可重复
    #[arg(long, value_name = "密钥")]
    pub remove: Vec<String>,
    /// 吊销一把密钥,永远不再承认;可重复
    #[arg(long, value_name = "密钥")]
    pub revoke: Vec<String>,
    /// 某角色要几个签名,如 publish=ed25519:2,sm2:1;可重复
    #[arg(long, value_name = "角色=算法:个数")]
    pub require: Vec<Requirement>,
    /// 开始新纪元:签发密钥被盗、编号被人用到很大之后,用它恢复
    #[arg(long)]
    pub new_epoch: bool,
    /// 网点反馈改为加密给谁;可重复
    #[arg(long = "recipient", value_name = "公钥")]
    pub recipients: Vec<String>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida pack build`.
#[derive(Debug, Args)]
pub struct PackBuildArgs {
    /// 写进哪里:U 盘,或以后拷到 U 盘的文件夹;已有旧包时自动做差分
    #[arg(value_name = "文件夹")]
    pub folder: PathBuf,
    /// 知识库文件
    #[arg(long, value_name = "文件")]
    pub kb: PathBuf,
    /// 一同下发的模型(GGUF);可重复
    #[arg(long, value_name = "文件")]
    pub model: Vec<PathBuf>,
    /// 检验问题(JSONL,每行 {question, document, clause, within?}),网点启用前必须答对
    #[arg(long, value_name = "文件")]
    pub golden: Option<PathBuf>,
    /// 检验问题不用编码模型(网点以 --no-embedder 运行时)
    #[arg(long)]
    pub no_embedder: bool,
    /// 另外做差分的依据:旧 U 盘的文件夹,或旧的知识库文件;可重复
    #[arg(long, value_name = "路径")]
    pub previous: Vec<PathBuf>,
    /// 对文件夹里最近几个包做差分
    #[arg(long, value_name = "个数", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=MAX_DELTAS))]
    pub deltas: u8,
    /// 发给哪些网点:*、网点号,或以 * 结尾的前缀;可重复
    #[arg(long, value_name = "网点", default_value = "*")]
    pub audience: Vec<String>,
    /// 通道
    #[arg(long, value_name = "通道", default_value = "stable")]
    pub channel: String,
    /// 编号 [默认: 上一个包加 1]
    #[arg(long, value_name = "编号", value_parser = clap::value_parser!(u64).range(1..))]
    pub seq: Option<u64>,
    /// 比这一号旧的知识不得再用,也不得退回 [默认: 同上一个包]
    #[arg(long, value_name = "编号")]
    pub min_seq: Option<u64>,
    /// 多少天后网点提示知识陈旧;0 为不提示
    #[arg(long, value_name = "天数", default_value_t = 180, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub stale_days: u32,
    /// 需要的最低程序版本 [默认: 本程序的版本]
    #[arg(long, value_name = "版本")]
    pub app_min: Option<String>,
    /// 能用的最高程序版本
    #[arg(long, value_name = "版本")]
    pub app_max: Option<String>,
    /// 更新说明,给网点的人看;可重复,一条一句
    #[arg(long, value_name = "文字")]
    pub changelog: Vec<String>,
    /// 每个分卷最大多少字节,可用 K、M、G
    #[arg(long, value_name = "大小", default_value = "1G")]
    pub part_size: ByteSize,
    /// 压缩级别,越大越小也越慢 [默认: 完整包 15,差分 12]
    #[arg(long, value_name = "级别", value_parser = clap::value_parser!(i32).range(1..=MAX_LEVEL))]
    pub level: Option<i32>,
    /// 临时文件放在哪个目录 [默认: 系统临时目录]
    #[arg(long, value_name = "目录")]
    pub work: Option<PathBuf>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida pack sign`.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// 要签的文件(manifest.json、beacon.json、root/0001.json);给文件夹则签其中最新的知识包
    #[arg(value_name = "文件")]
    pub target: PathBuf,
    /// 用哪把密钥签(.key)
    #[arg(long, value_name = "文件", required_unless_present = "merge")]
    pub key: Option<PathBuf>,
    /// 合并别的机器上签好的签名文件(.sig);可重复
    #[arg(long, value_name = "文件", conflicts_with = "key")]
    pub merge: Vec<PathBuf>,
    /// 信任根文件,用来核对谁可以签;在 U 盘文件夹里签时不用给
    #[arg(long, value_name = "文件")]
    pub root: Option<PathBuf>,
    /// Passphrase.
    #[command(flatten)]
    pub passphrase: PassphraseArg,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida pack verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// 含有 kbpack 的文件夹
    #[arg(value_name = "文件夹")]
    pub folder: PathBuf,
    /// 网点所信任的信任根的指纹(SHA-256)
    #[arg(long, value_name = "指纹", required_unless_present = "root")]
    pub fingerprint: Option<String>,
    /// 或者它的文件(旁边有 .sig)
    #[arg(long, value_name = "文件", conflicts_with = "fingerprint")]
    pub root: Option<PathBuf>,
    /// 以哪个网点的身份检查 [默认: 知识包发给的第一个]
    #[arg(long, value_name = "网点号")]
    pub branch: Option<String>,
    /// 网点的通道 [默认: 知识包的通道]
    #[arg(long, value_name = "通道")]
    pub channel: Option<String>,
    /// 检查哪一号 [默认: 网点会导入的那一号]
    #[arg(long, value_name = "编号")]
    pub seq: Option<u64>,
    /// 旧的知识库文件,用来解开差分;可重复
    #[arg(long, value_name = "文件")]
    pub base: Vec<PathBuf>,
    /// 临时文件放在哪个目录 [默认: 系统临时目录]
    #[arg(long, value_name = "目录")]
    pub work: Option<PathBuf>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `ROLE=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFile {
    /// `root`, `publish` or `beacon`.
    pub role: String,
    /// A `.pub` file.
    pub file: PathBuf,
}

impl FromStr for RoleFile {
    type Err = String;

    fn from_str(text: &str) -> Result<RoleFile, String> {
        let (role, file) = of_role(text)?;
        Ok(RoleFile { role, file: file.into() })
    }
}

/// `ROLE=ALG:COUNT,ALG:COUNT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// `root`, `publish` or `beacon`.
    pub role: String,
    /// Least signatures by algorithm.
    pub counts: BTreeMap<String, u32>,
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(text: &str) -> Result<Requirement, String> {
        let (role, counts) = of_role(text)?;
        let count = |part: &str| {
            let (alg, count) = part.split_once(':')?;
            let known = AlgArg::from_str(alg, false).is_ok();
            Some((alg.to_owned(), count.parse().ok().filter(|_| known)?))
        };
        let counts = counts.split(',').map(count).collect::<Option<BTreeMap<String, u32>>>();
        let counts = counts.ok_or_else(|| "“=”后面写成 ed25519:2 或 ed25519:2,sm2:1".to_owned())?;
        Ok(Requirement { role, counts })
    }
}

fn of_role(text: &str) -> Result<(String, &str), String> {
    match text.split_once('=') {
        Some((role, rest)) if crate::engine::office::ROLES.contains(&role) && !rest.is_empty() => {
            Ok((role.to_owned(), rest))
        }
        _ => Err("写成 root=…、publish=… 或 beacon=…".into()),
    }
}

/// A number of bytes, `512M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<ByteSize, String> {
        let unit = |unit: char, shift: u32| text.strip_suffix(unit).map(|digits| (digits, shift));
        let (digits, shift) = unit('K', 10).or(unit('M', 20)).or(unit('G', 30)).unwrap_or((text, 0));
        let bytes = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|n| *n > 0);
        bytes.map(ByteSize).ok_or_else(|| "写成字节数,或 512M、1G 这样".into())
    }
}
