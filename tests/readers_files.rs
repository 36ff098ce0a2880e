//! A folder as it comes from a branch: every format, every way a file can be wrong, and an account of each.

use guida::error::Code;
use guida::ingest::readers::{self, MAX_FILE_BYTES, Outcome};
use guida::ingest::report::{BuildReport, FileReport, FileStatus};
use guida::ingest::walk::{self, SourceFile};
use guida::text::document::Block;
use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn fixture(name: &str) -> SourceFile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    SourceFile { path, relative: name.to_string() }
}

fn write(name: &str, bytes: &[u8]) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    readers::read(&SourceFile { path, relative: name.to_string() })
}

fn failure(outcome: Outcome) -> guida::error::Error {
    match outcome {
        Outcome::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// A PDF whose pages show `contents`, with one font for all.
fn pdf(contents: &[Vec<u8>]) -> Vec<u8> {
    let mut pdf = Document::with_version("1.5");
    let pages = pdf.new_object_id();
    let font = pdf.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding" });
    let resources = pdf.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let kids: Vec<Object> = contents
        .iter()
        .map(|content| {
            let mut stream = Stream::new(dictionary! {}, content.clone());
            stream.compress().unwrap();
            let content = pdf.add_object(stream);
            pdf.add_object(dictionary! { "Type" => "Page", "Parent" => pages, "Contents" => content }).into()
        })
        .collect();
    let count = kids.len() as i64;
    pdf.objects.insert(
        pages,
        dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count, "Resources" => resources, "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()] }.into(),
    );
    let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    pdf.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    pdf.save_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_printed_rule_reads_as_its_paragraphs() {
    let Outcome::Read(documents) = readers::read(&fixture("text-layer.pdf")) else { panic!() };
    let document = &documents[0];
    assert_eq!(document.meta["title"], "示例银行挂失业务管理办法");
    let texts: Vec<&str> = document
        .blocks
        .iter()
        .map(|block| match block {
            Block::Heading { text, .. } | Block::Paragraph(text) => text.as_str(),
            Block::Table { .. } => "表",
        })
        .collect();
    // Three pages with a running head and page numbers; paragraphs of several lines, one across a page break.
    assert_eq!(
        texts,
        [
            "示例银行挂失业务管理办法",
            "第一章 总则",
            "第一条 挂失业务分为口头挂失和书面挂失。口头挂失有效期为五日\u{FF0C}存款人应当在五日内办理书面挂失。",
            "第二条 存款人办理书面挂失\u{FF0C}应当出示本人有效身份证。银行核对无误的\u{FF0C}应当受理。",
            "\u{FF08}一\u{FF09}本人办理的\u{FF0C}出示身份证\u{FF1B}",
            "\u{FF08}二\u{FF09}代理人办理的\u{FF0C}出示双方身份证。",
            "前款规定的代理人不得代为办理补发业务\u{FF0C}补发业务应当由存款人本人办理\u{FF0C}银行应当核对本人身份证。",
            "第二章 收费",
            "第三条 书面挂失业务每笔收费 10 元\u{FF0C}口头挂失业务不收费。",
            "第四条 本办法自 2024年7月1日起有效。",
        ]
    );
    assert_eq!(document.blocks[0], Block::Heading { depth: 1, text: texts[0].into() });
    assert_eq!(document.blocks[1], Block::Heading { depth: 2, text: texts[1].into() });
}

#[test]
fn scans_passwords_and_damage_are_told_apart() {
    let scan = failure(readers::read(&fixture("scan.pdf")));
    assert_eq!(scan.code(), Code::DocumentNoText);
    assert!(scan.message().contains("没有文字层") && scan.hint().contains("OCR"), "{scan}");
    assert_eq!(failure(readers::read(&fixture("encrypted.pdf"))).code(), Code::DocumentEncrypted);
    assert_eq!(failure(write("empty-page.pdf", &pdf(&[b"q Q".to_vec()]))).code(), Code::DocumentNoText);

    let whole = fs::read(fixture("text-layer.pdf").path).unwrap();
    for cut in [20, 1_000, whole.len() / 2] {
        let error = failure(write("cut.pdf", &whole[..cut]));
        assert_eq!(error.code(), Code::DocumentUnreadable, "{cut}: {error}");
    }
    // Whatever is wrong inside, some answer comes back.
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at..(at + 64).min(whole.len())].fill(b'0');
        write("damaged.pdf", &damaged);
    }
}

#[test]
fn pdf_bombs_are_refused() {
    let text = |n: usize| format!("BT /F1 12 Tf 72 700 Td (Fee {n}) Tj ET").into_bytes();
    assert!(matches!(write("small.pdf", &pdf(&[text(1)])), Outcome::Read(_)));
    let blank = vec![b' '; 60 * 1024 * 1024];
    let bomb = pdf(&[blank]);
    assert!(bomb.len() < 1_000_000);
    assert_eq!(failure(write("bomb.pdf", &bomb)).code(), Code::DocumentTooLarge);
    let pages: Vec<Vec<u8>> = (0..5_001).map(text).collect();
    assert_eq!(failure(write("long.pdf", &pdf(&pages))).code(), Code::DocumentTooLarge);
}

#[test]
fn a_form_that_draws_itself_ends() {
    let mut pdf = Document::with_version("1.5");
    let pages = pdf.new_object_id();
    let form = pdf.new_object_id();
    let content =
        Content { operations: vec![Operation::new("Do", vec!["X".into()]), Operation::new("Do", vec!["X".into()])] };
    let resources = dictionary! { "XObject" => dictionary! { "X" => form } };
    let stream = Stream::new(dictionary! { "Subtype" => "Form", "Resources" => resources.clone() }, b"/X Do".to_vec());
    pdf.objects.insert(form, stream.into());
    let content = pdf.add_object(Stream::new(dictionary! {}, content.encode().unwrap()));
    let page = pdf.add_object(
        dictionary! { "Type" => "Page", "Parent" => pages, "Contents" => content, "Resources" => resources },
    );
    pdf.objects.insert(pages, dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 }.into());
    let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    pdf.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    pdf.save_to(&mut bytes).unwrap();
    assert_eq!(failure(write("loop.pdf", &bytes)).code(), Code::DocumentNoText);
}

#[test]
fn one_bad_file_never_stops_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let gb = encoding_rs::GB18030.encode("挂失办法\n第一条 甲。").0.into_owned();
    fs::write(root.join("a.txt"), gb).unwrap();
    fs::write(root.join("b.md"), "\u{FEFF}# 办法\r\n第一条 甲。\r\n").unwrap();
    fs::write(root.join("c.md"), b"\xFF\xFF\x80\x80\x00").unwrap();
    fs::write(root.join("d.txt"), "").unwrap();
    fs::write(root.join("e.html"), "<h1>办法</h1><p>第一条 甲。</p>").unwrap();
    for name in ["f.doc", "g.wps", "h.xls", "i.ofd", "j.jpg", "k", "l.exe"] {
        fs::write(root.join(name), "x").unwrap();
    }
    fs::write(root.join("m.pdf"), "not a pdf").unwrap();
    fs::write(root.join("n.txt"), "%PDF-1.7").unwrap();
    symlink("/etc/passwd", root.join("o.txt")).unwrap();
    symlink("nowhere", root.join("p.txt")).unwrap();
    File::create(root.join("q.txt")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
    fs::write(root.join("r.md"), "  \n\n").unwrap();
    fs::create_dir(root.join("s.md")).unwrap();
    fs::write(root.join("s.md/t.MD"), "文").unwrap();

    let mut report = BuildReport::default();
    let mut codes = Vec::new();
    for file in walk::collect(&[root.to_path_buf()]).unwrap() {
        let outcome = readers::read(&file);
        if let Outcome::Failed(error) = &outcome {
            codes.push((file.relative.clone(), error.code()));
        }
        report.files.push(FileReport::of(&file, &outcome));
    }
    let read: Vec<&str> =
        report.files.iter().filter(|f| f.status == FileStatus::Read).map(|f| f.path.as_str()).collect();
    assert_eq!(read, ["a.txt", "b.md", "e.html", "s.md/t.MD"]);
    let expected = [
        ("c.md", Code::DocumentUnreadable),
        ("m.pdf", Code::DocumentUnreadable),
        ("n.txt", Code::DocumentUnsupported),
        ("q.txt", Code::DocumentTooLarge),
    ];
    assert_eq!(codes, expected.map(|(name, code)| (name.to_string(), code)));
    assert!(report.files.iter().all(|f| (f.status == FileStatus::Read) == f.reason.is_none()));
    assert_eq!(report.count(FileStatus::Skipped), report.files.len() - read.len() - codes.len());
}

#[test]
fn what_may_not_be_read_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("锁.md");
    fs::write(&file, "# 办法").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let folder = dir.path().join("夹");
    fs::create_dir(&folder).unwrap();
    let source = |path: &Path| SourceFile { path: path.to_path_buf(), relative: "x.md".into() };
    // The superuser may read everything; then there is nothing to refuse.
    if File::open(&file).is_err() {
        assert_eq!(failure(readers::read(&source(&file))).code(), Code::Io);
    }
    assert_eq!(failure(readers::read(&source(&folder))).code(), Code::Io);
    assert_eq!(failure(readers::read(&source(&dir.path().join("没有.md")))).code(), Code::Io);
}
