//! One error shape for the whole product: a stable code, what happened, why, and what to do.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Result with Guida's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What a caller should make of an error: it chooses the HTTP status and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request or the command line is wrong.
    Input,
    /// The request is larger than a limit.
    TooLarge,
    /// The caller may not do this.
    Denied,
    /// The thing asked for does not exist.
    NotFound,
    /// Come back later: a bounded queue is full.
    Busy,
    /// A file (knowledge, model, document) cannot be used.
    Data,
    /// A part of the service is not available now.
    Unavailable,
    /// Stopped on request or at a time limit.
    Stopped,
    /// The machine failed us (disk, memory) or Guida has a fault.
    Internal,
}

impl Kind {
    /// HTTP status for the API.
    pub fn http_status(self) -> u16 {
        match self {
            Kind::Input => 400,
            Kind::TooLarge => 413,
            Kind::Denied => 403,
            Kind::NotFound => 404,
            Kind::Busy => 429,
            Kind::Data | Kind::Internal => 500,
            Kind::Unavailable => 503,
            Kind::Stopped => 408,
        }
    }

    /// Process exit code for the command line (2 is clap's own usage error).
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Input | Kind::TooLarge => 2,
            Kind::Denied => 3,
            Kind::NotFound => 4,
            Kind::Busy | Kind::Unavailable => 5,
            Kind::Data => 6,
            Kind::Stopped => 7,
            Kind::Internal => 1,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $kind:ident;)*) => {
        /// Stable error codes; the text never changes once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// The code as printed and sent.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The kind this code belongs to.
            pub fn kind(self) -> Kind {
                match self { $(Code::$name => Kind::$kind,)* }
            }

            /// The code with this text, for errors that crossed a process boundary.
            pub fn from_text(text: &str) -> Option<Code> {
                match text { $($text => Some(Code::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// The question has no content.
    QuestionEmpty = "QUESTION_EMPTY", Input;
    /// The question is longer than the limit.
    QuestionTooLong = "QUESTION_TOO_LONG", TooLarge;
    /// The question holds control characters or nothing readable.
    QuestionUnreadable = "QUESTION_UNREADABLE", Input;
    /// The text is not valid UTF-8.
    NotUtf8 = "NOT_UTF8", Input;
    /// The body is not the JSON that the call takes (syntax, types, unknown fields).
    BadJson = "BAD_JSON", Input;
    /// A parameter is missing or out of range.
    BadParameter = "BAD_PARAMETER", Input;
    /// The HTTP body is larger than the limit.
    BodyTooLarge = "BODY_TOO_LARGE", TooLarge;
    /// The bytes on the connection are no HTTP request that Guida serves.
    BadRequest = "BAD_REQUEST", Input;
    /// The request's head (request line and header fields) is larger than the limit.
    HeadTooLarge = "HEAD_TOO_LARGE", TooLarge;
    /// The path exists, but not for this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", Input;
    /// The body is in a format that the call does not take.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", Input;
    /// No such route, clause or document.
    NotFound = "NOT_FOUND", NotFound;
    /// The role may not make this request.
    Denied = "DENIED", Denied;
    /// A bounded queue is full.
    Busy = "BUSY", Busy;
    /// The knowledge file cannot be opened or read.
    KbOpen = "KB_OPEN", Data;
    /// The file is not a knowledge file, or is damaged.
    KbCorrupt = "KB_CORRUPT", Data;
    /// The knowledge file was made by another version of Guida.
    KbSchema = "KB_SCHEMA", Data;
    /// The knowledge was embedded with another model than the one loaded.
    KbModel = "KB_MODEL", Data;
    /// The knowledge here is not what head office signed, and there is no earlier one that is.
    KbAltered = "KB_ALTERED", Unavailable;
    /// Building a knowledge file failed.
    KbBuild = "KB_BUILD", Data;
    /// A source document cannot be read; the report names the reason.
    DocumentUnreadable = "DOCUMENT_UNREADABLE", Data;
    /// A source document exceeds a limit (size, unpacked size, pages).
    DocumentTooLarge = "DOCUMENT_TOO_LARGE", Data;
    /// A source document is encrypted.
    DocumentEncrypted = "DOCUMENT_ENCRYPTED", Data;
    /// A PDF holds pictures of text only.
    DocumentNoText = "DOCUMENT_NO_TEXT", Data;
    /// The file's format is not supported.
    DocumentUnsupported = "DOCUMENT_UNSUPPORTED", Data;
    /// The questions file of an evaluation is wrong.
    QuestionsFile = "QUESTIONS_FILE", Data;
    /// The model file cannot be loaded.
    ModelLoad = "MODEL_LOAD", Data;
    /// The model needs more memory than there is.
    ModelMemory = "MODEL_MEMORY", Unavailable;
    /// The registry of models cannot be read or written.
    ModelRegistry = "MODEL_REGISTRY", Data;
    /// The model's chat template cannot be rendered.
    ModelTemplate = "MODEL_TEMPLATE", Data;
    /// The model cannot do what was asked (an encoder asked to write, say).
    ModelUnsuitable = "MODEL_UNSUITABLE", Data;
    /// No model is loaded, or it is being restarted.
    ModelUnavailable = "MODEL_UNAVAILABLE", Unavailable;
    /// The generator process died during this answer.
    ModelDied = "MODEL_DIED", Unavailable;
    /// The prompt does not fit the model's context even without clauses.
    PromptTooLong = "PROMPT_TOO_LONG", Input;
    /// The prose was stopped on request.
    Cancelled = "CANCELLED", Stopped;
    /// A time limit was reached.
    Timeout = "TIMEOUT", Stopped;
    /// Reading or writing a file or socket failed.
    Io = "IO", Internal;
    /// A signature does not belong to these bytes, or the key that made it may not sign them.
    PackSig = "PACK_SIG", Data;
    /// There are fewer signatures by different keys than the policy asks for.
    PackThreshold = "PACK_THRESHOLD", Data;
    /// The chain of trust roots has a gap, or the pack asks for a later root than there is.
    PackRootGap = "PACK_ROOTGAP", Data;
    /// A part is not what its checksum says.
    PackHash = "PACK_HASH", Data;
    /// Something of the pack is missing or shorter than said; a complete stick can be put in later.
    PackIncomplete = "PACK_INCOMPLETE", Data;
    /// The pack is older than what this box has seen, or was taken back here.
    PackRollback = "PACK_ROLLBACK", Data;
    /// Two different packs carry the same number.
    PackEquivocation = "PACK_EQUIVOCATION", Data;
    /// The pack is for another bank, branch or channel.
    PackAudience = "PACK_AUDIENCE", Data;
    /// The stick holds a link, a device or a name that leads elsewhere.
    PackUnsafe = "PACK_UNSAFE", Data;
    /// Something of the pack exceeds a limit.
    PackLimit = "PACK_LIMIT", TooLarge;
    /// A file of the pack is not the JSON it should be.
    PackParse = "PACK_PARSE", Data;
    /// The pack needs another version of the program.
    PackUnsupported = "PACK_UNSUPPORTED", Data;
    /// Only the difference to a knowledge that is not here was brought.
    PackNeedBase = "PACK_NEEDBASE", Data;
    /// The knowledge of the pack is damaged.
    PackDbCheck = "PACK_DBCHECK", Data;
    /// The knowledge of the pack has tables, triggers or views that it should not have.
    PackSchema = "PACK_SCHEMA", Data;
    /// The vectors of the pack are not those of the encoder that it names or that is here.
    PackModel = "PACK_MODEL", Data;
    /// The pack's golden questions are not answered as they should be.
    PackQuality = "PACK_QUALITY", Data;
    /// The stick was pulled out too early.
    PackRemoved = "PACK_REMOVED", Unavailable;
    /// There is not enough room on the disk.
    NoSpace = "NO_SPACE", Unavailable;
    /// Another import is running.
    ImportBusy = "IMPORT_BUSY", Busy;
    /// No import is at the point where this can be done.
    ImportState = "IMPORT_STATE", Input;
    /// The data folder is not set up, or what stands in it cannot be read.
    DataFolder = "DATA_FOLDER", Data;
    /// The pointer to the active knowledge is damaged.
    ActiveCorrupt = "ACTIVE_CORRUPT", Data;
    /// The box trusts nobody yet.
    TrustMissing = "TRUST_MISSING", Data;
    /// A file of a key cannot be read, or the passphrase is wrong.
    KeyFile = "KEY_FILE", Data;
    /// A backup of a box cannot be read, is damaged, or is none.
    BackupFile = "BACKUP_FILE", Data;
    /// A pack cannot be built or signed.
    PackBuild = "PACK_BUILD", Data;
    /// The journal of this box cannot be read or written.
    StateDb = "STATE_DB", Data;
    /// The service did not answer its console.
    ServiceGone = "SERVICE_GONE", Unavailable;
    /// There is no terminal that the console could use.
    ConsoleTerminal = "CONSOLE_TERMINAL", Input;
    /// The settings file or a setting is wrong.
    Config = "CONFIG", Input;
    /// A fault in Guida itself.
    Internal = "INTERNAL", Internal;
}

/// An error as people see it. `message` says what happened and why, `hint` what to do; both in Chinese.
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: String,
    hint: String,
    retry_after_seconds: Option<u64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with its code, what happened and why, and what to do next.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error { code, message: message.into(), hint: hint.into(), retry_after_seconds: None, source: None }
    }

    /// Says when to come back, where that can be told.
    pub fn retry_after(mut self, seconds: u64) -> Error {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// When to come back, in seconds.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_seconds
    }

    /// Attaches the underlying cause, for the log.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.source = Some(source.into());
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The kind of the code.
    pub fn kind(&self) -> Kind {
        self.code.kind()
    }

    /// What happened and why.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code.as_str(), self.message)?;
        if !self.hint.is_empty() {
            write!(f, "。建议:{}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as _)
    }
}

/// Error as sent: `{code, message, hint}`, and `retry_after_seconds` where that can be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Stable code.
    pub code: Cow<'static, str>,
    /// What happened and why.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// When to come back, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

impl From<&Error> for ErrorBody {
    fn from(e: &Error) -> ErrorBody {
        ErrorBody {
            code: e.code().as_str().into(),
            message: e.message().to_owned(),
            hint: e.hint().to_owned(),
            retry_after_seconds: e.retry_after_seconds(),
        }
    }
}

impl From<ErrorBody> for Error {
    fn from(body: ErrorBody) -> Error {
        let code = Code::from_text(&body.code).unwrap_or(Code::Internal);
        let retry_after_seconds = body.retry_after_seconds;
        Error { retry_after_seconds, ..Error::new(code, body.message, body.hint) }
    }
}
