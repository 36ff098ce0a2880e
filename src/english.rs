//! What error codes mean in English, for the console in English and for a text console without a Chinese font. The message of an error is
//! Chinese and knows more: which file, how much, since when.

use crate::error::Code;

impl Code {
    /// What this code means, one plain sentence.
    pub fn meaning(self) -> &'static str {
        english(self).0
    }

    /// What to do about it, one plain sentence.
    pub fn remedy(self) -> &'static str {
        english(self).1
    }
}

const TO_HEAD_OFFICE: &str = "Do not use this stick; report it to head office.";
const MADE_ANEW: &str = "Ask head office for a new pack; the present knowledge goes on answering.";
const SAVE_AS: &str = "Open it with its own program, save it anew and try again.";
const CALLER: &str = "Mend the calling program.";

fn english(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::QuestionEmpty => ("The question is empty.", "Type a question."),
        Code::QuestionTooLong => ("The question is too long.", "Write only what is asked, not a whole document."),
        Code::QuestionUnreadable => {
            ("The question has no readable words.", "Type it again; pasted text is often to blame.")
        }
        Code::NotUtf8 => ("The text is not UTF-8.", CALLER),
        Code::BadJson => ("The request is not the JSON that is expected.", CALLER),
        Code::BadParameter => ("A value is missing or out of range.", "Correct the value and try again."),
        Code::BodyTooLarge => ("The request is too large.", "Shorten the request."),
        Code::BadRequest => {
            ("This is not a request that can be served.", "Check the calling program and any proxy between.")
        }
        Code::HeadTooLarge => ("The head of the request is too large.", "Check what a proxy between adds to it."),
        Code::MethodNotAllowed => ("The address does not take this method.", CALLER),
        Code::UnsupportedMediaType => ("The request has a format that is not taken.", CALLER),
        Code::NotFound => ("There is no such thing.", "Check the name; numbers of clauses change with the knowledge."),
        Code::Denied => ("You may not do this.", "Ask somebody who may."),
        Code::Busy => ("Too many requests are waiting.", "Try again shortly."),
        Code::KbOpen => ("The knowledge file cannot be opened.", "Check its path and who may read it."),
        Code::KbCorrupt => ("The file is no knowledge file, or damaged.", "Import the latest pack again, or go back."),
        Code::KbSchema => {
            ("Another version of the program made the knowledge.", "Import a pack that is made for this version.")
        }
        Code::KbModel => {
            ("The knowledge was made with another encoder.", "Load that encoder, or search by words (--no-embedder).")
        }
        Code::KbAltered => (
            "The knowledge on this box is not what head office signed.",
            "Import the pack again from its stick, which mends it.",
        ),
        Code::KbBuild => ("The knowledge file could not be built.", "Check disk space and who may write there."),
        Code::DocumentUnreadable => ("A document cannot be read.", SAVE_AS),
        Code::DocumentTooLarge => ("A document is too large.", "Split it."),
        Code::DocumentEncrypted => ("A document is encrypted.", "Remove its password and save it anew."),
        Code::DocumentNoText => {
            ("A PDF has pictures of text only.", "Use the electronic original, or recognise its text first.")
        }
        Code::DocumentUnsupported => ("The format of a document is not supported.", "Save it as docx, pdf or md."),
        Code::QuestionsFile => ("The file of test questions is wrong.", "Correct the line that is named."),
        Code::ModelLoad => ("The model cannot be loaded.", "Compare its SHA-256: it may not be copied whole."),
        Code::ModelMemory => {
            ("There is not enough memory for the model.", "Choose a smaller model or a shorter context.")
        }
        Code::ModelRegistry => {
            ("The list of models cannot be read or written.", "Check disk space and rights of the data folder.")
        }
        Code::ModelTemplate => {
            ("The chat template of the model does not work.", "Use an instruct or chat version of it.")
        }
        Code::ModelUnsuitable => {
            ("The model cannot do this.", "Choose a model of the right kind: chat, encoder or reranker.")
        }
        Code::ModelUnavailable => {
            ("No model is loaded, or it is starting.", "Try again shortly; answers by clauses go on without it.")
        }
        Code::ModelDied => {
            ("The model ended in the middle of an answer.", "It starts again by itself; if often, check memory.")
        }
        Code::PromptTooLong => ("The question does not fit the model.", "Shorten the question, or raise the context."),
        Code::Cancelled => ("It was stopped as asked.", "Nothing to do."),
        Code::Timeout => ("It took too long.", "Try again; if often, check the device or choose a smaller model."),
        Code::Io => ("Reading or writing failed.", "Check disk, rights, and whether a port is in use."),
        Code::PackSig => ("A signature is wrong, or not by a key that may sign.", TO_HEAD_OFFICE),
        Code::PackThreshold => ("Too few people have signed.", "Ask head office to have it signed by all."),
        Code::PackRootGap => {
            ("A trust root is missing in between.", "Ask head office for a stick with all trust roots.")
        }
        Code::PackHash => ("A file is not what its checksum says.", "Copy the stick again or use another one."),
        Code::PackIncomplete => {
            ("Something is missing on the stick.", "Copy the whole kbpack folder again; what was read stays.")
        }
        Code::PackRollback => (
            "The pack is older than what was seen, or was taken back.",
            "Use a newer pack, or release the one taken back.",
        ),
        Code::PackEquivocation => (
            "Two different packs have the same number.",
            "Stop, and report it to head office at once: a key may be stolen.",
        ),
        Code::PackAudience => {
            ("The pack is for another bank, branch or channel.", "Check whether it is the right stick.")
        }
        Code::PackUnsafe => ("The stick has links or names that lead elsewhere.", TO_HEAD_OFFICE),
        Code::PackLimit => ("Something on the stick is too large.", TO_HEAD_OFFICE),
        Code::PackParse => ("A file of the pack is malformed.", "Copy the kbpack folder again; else report it."),
        Code::PackUnsupported => ("The pack needs another version of the program.", "Install that version first."),
        Code::PackNeedBase => (
            "The stick has only a difference to knowledge that is not here.",
            "Ask head office for a stick with the whole pack.",
        ),
        Code::PackDbCheck => ("The knowledge of the pack is damaged.", MADE_ANEW),
        Code::PackSchema => ("The knowledge of the pack holds what it should not.", TO_HEAD_OFFICE),
        Code::PackModel => {
            ("The vectors do not fit the encoder.", "Ask head office to make it with the encoder of this box.")
        }
        Code::PackQuality => ("Golden questions of the pack are answered wrongly.", MADE_ANEW),
        Code::PackRemoved => {
            ("The stick was pulled out too early.", "Put it in again and import; it goes on where it was.")
        }
        Code::NoSpace => ("There is not enough room on the disk.", "Free as much as the message says, and try again."),
        Code::ImportBusy => ("Another import or switch is going on.", "Wait until it ends."),
        Code::ImportState => ("This cannot be done at this point.", "Look at the state of the import first."),
        Code::DataFolder => {
            ("The data folder is not set up, or does not read.", "Set it up with guida data init; check rights.")
        }
        Code::ActiveCorrupt => (
            "The pointer to the knowledge in use is damaged.",
            "The last good one answers; repair it with guida data recover.",
        ),
        Code::TrustMissing => ("This box trusts nobody yet.", "Install head office's trust root with guida data init."),
        Code::KeyFile => {
            ("A key file does not read, or its passphrase is wrong.", "Check the file and the passphrase.")
        }
        Code::BackupFile => {
            ("A backup does not read, is damaged, or is none.", "Use another backup; make it anew on another stick.")
        }
        Code::PackBuild => ("A pack could not be made or signed.", "Correct what the message names."),
        Code::StateDb => ("The journal cannot be read or written.", "Check the disk; if it stays, report it."),
        Code::ServiceGone => {
            ("The service did not answer.", "See whether it runs; press s in the console to start it.")
        }
        Code::ConsoleTerminal => {
            ("There is no terminal here.", "Run guida console in a terminal; over SSH use ssh -t.")
        }
        Code::Config => ("A setting is wrong.", "Correct it as the message says."),
        Code::Internal => ("A fault in the program.", "Note the code and what was done, and report it."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_short_and_ascii() {
        let listed = include_str!("error.rs").lines().filter_map(|l| l.split_once(" = \"")?.1.split_once("\", "));
        let codes: Vec<Code> = listed.filter_map(|(text, _)| Code::from_text(text)).collect();
        assert!(codes.contains(&Code::QuestionEmpty) && codes.contains(&Code::Internal), "{codes:?}");
        for sentence in codes.iter().flat_map(|code| [code.meaning(), code.remedy()]) {
            // A text console of 80 columns, with a margin.
            assert!(sentence.is_ascii() && sentence.ends_with('.') && sentence.len() <= 76, "{sentence}");
        }
    }
}
