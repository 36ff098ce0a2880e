//! Word documents and workbooks, built here part by part as office programs write them, read back as text.

use guida::error::Code;
use guida::ingest::readers::{self, Outcome};
use guida::ingest::walk::SourceFile;
use guida::text::document::{Block, RawDocument};
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const W: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006""#;

fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn read(name: &str, bytes: &[u8]) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    readers::read(&SourceFile { path, relative: format!("制度/{name}") })
}

fn documents(outcome: Outcome) -> Vec<RawDocument> {
    match outcome {
        Outcome::Read(documents) => documents,
        other => panic!("{other:?}"),
    }
}

fn code(outcome: Outcome) -> Code {
    match outcome {
        Outcome::Failed(error) => {
            assert!(!error.hint().is_empty());
            error.code()
        }
        other => panic!("{other:?}"),
    }
}

fn docx(body: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let document = format!("<?xml version=\"1.0\"?><w:document {W}><w:body>{body}</w:body></w:document>");
    let mut parts = vec![("[Content_Types].xml", "<Types/>"), ("word/document.xml", document.as_str())];
    parts.extend_from_slice(more);
    package(&parts)
}

fn p(style: &str, text: &str) -> String {
    let style = if style.is_empty() { String::new() } else { format!("<w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>") };
    format!("<w:p>{style}<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

fn numbered(list: u32, level: u32, text: &str) -> String {
    format!(
        "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
    )
}

fn blocks(body: &str, more: &[(&str, &str)]) -> Vec<Block> {
    documents(read("a.docx", &docx(body, more))).remove(0).blocks
}

fn texts(blocks: &[Block]) -> Vec<&str> {
    blocks
        .iter()
        .map(|block| match block {
            Block::Heading { text, .. } | Block::Paragraph(text) => text.as_str(),
            Block::Table { .. } => "表",
        })
        .collect()
}

const STYLES: &str = r#"<w:styles xmlns:w="w"><w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="7"/></w:numPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="2"><w:name w:val="heading 2"/><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="7"/></w:numPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style></w:styles>"#;

/// 章 and 条 by heading styles, 条 running on across 章; item lists that begin anew under each 条.
fn numbering() -> String {
    let level = |index: u32, format: &str, text: &str, more: &str| {
        format!(
            "<w:lvl w:ilvl=\"{index}\"><w:start w:val=\"1\"/><w:numFmt w:val=\"{format}\"/>{more}<w:lvlText w:val=\"{text}\"/></w:lvl>"
        )
    };
    format!(
        "<w:numbering {W}><w:abstractNum w:abstractNumId=\"0\">{}{}{}{}</w:abstractNum>\
         <w:abstractNum w:abstractNumId=\"1\">{}</w:abstractNum><w:abstractNum w:abstractNumId=\"2\">{}{}</w:abstractNum>\
         <w:num w:numId=\"7\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"8\"><w:abstractNumId w:val=\"1\"/></w:num>\
         <w:num w:numId=\"9\"><w:abstractNumId w:val=\"1\"/><w:lvlOverride w:ilvl=\"0\"><w:startOverride w:val=\"5\"/></w:lvlOverride></w:num>\
         <w:num w:numId=\"10\"><w:abstractNumId w:val=\"2\"/></w:num></w:numbering>",
        level(0, "chineseCountingThousand", "第%1章", "<w:pStyle w:val=\"1\"/>"),
        level(1, "chineseCountingThousand", "第%2条", "<w:lvlRestart w:val=\"0\"/><w:pStyle w:val=\"2\"/>"),
        level(2, "japaneseCounting", "\u{FF08}%3\u{FF09}", ""),
        level(3, "decimal", "%4.", ""),
        level(0, "bullet", "\u{F0B7}", ""),
        level(0, "decimal", "%1", ""),
        level(1, "decimal", "%1.%2", "<w:isLgl/>"),
    )
}

#[test]
fn automatic_numbers_are_printed_as_word_prints_them() {
    let body = [
        p("T", "挂失办法"),
        p("TOC1", "第一章 总则 1"),
        p("1", "总则"),
        p("2", "挂失分为口头和书面。"),
        numbered(7, 2, "口头;"),
        numbered(7, 3, "电话;"),
        numbered(7, 3, "网银;"),
        numbered(7, 2, "书面。"),
        p("2", "收费按标准执行。"),
        numbered(7, 2, "免费。"),
        p("1", "附则"),
        p("2", "本办法自公布之日起施行。"),
        numbered(8, 0, "点"),
        numbered(10, 0, "范围"),
        numbered(10, 1, "总行"),
        numbered(10, 1, "分行"),
        numbered(0, 0, "没有编号"),
    ]
    .concat();
    let blocks = blocks(&body, &[("word/styles.xml", STYLES), ("word/numbering.xml", &numbering())]);
    assert_eq!(
        texts(&blocks),
        [
            "挂失办法",
            "第一章 总则",
            "第一条 挂失分为口头和书面。",
            "\u{FF08}一\u{FF09}口头;",
            "1. 电话;",
            "2. 网银;",
            "\u{FF08}二\u{FF09}书面。",
            "第二条 收费按标准执行。",
            "\u{FF08}一\u{FF09}免费。",
            "第二章 附则",
            "第三条 本办法自公布之日起施行。",
            "- 点",
            "1 范围",
            "1.1 总行",
            "1.2 分行",
            "没有编号",
        ]
    );
    assert_eq!(blocks[0], Block::Heading { depth: 1, text: "挂失办法".into() });
    assert_eq!(blocks[1], Block::Heading { depth: 2, text: "第一章 总则".into() });
    // A whole clause in a heading style is a clause.
    assert!(matches!(blocks[2], Block::Paragraph(_)));
}

#[test]
fn a_list_may_start_elsewhere() {
    let numbering = numbering().replace("\u{F0B7}", "%1)").replace("bullet", "decimal");
    let body = [numbered(8, 0, "甲"), numbered(8, 0, "乙"), numbered(9, 0, "丙"), numbered(9, 0, "丁")].concat();
    assert_eq!(texts(&blocks(&body, &[("word/numbering.xml", &numbering)])), ["1)甲", "2)乙", "5)丙", "6)丁"]);
}

#[test]
fn tracked_changes_read_as_accepted_and_hidden_text_stays_hidden() {
    let body = r#"<w:p><w:r><w:t>收费</w:t></w:r><w:del w:id="1"><w:r><w:delText>10</w:delText><w:t>旧</w:t></w:r></w:del>
        <w:ins w:id="2"><w:r><w:t>20</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>密</w:t></w:r><w:r><w:t>元</w:t></w:r>
        <w:hyperlink><w:r><w:t>见附件</w:t></w:r></w:hyperlink><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>
        <w:p><w:pPr><w:rPr><w:del w:id="3"/></w:rPr></w:pPr><w:r><w:t>上段</w:t></w:r></w:p><w:p><w:r><w:t>接下段</w:t><w:br/><w:t>另行</w:t><w:tab/><w:t>尾</w:t></w:r></w:p>
        <w:p><w:moveFrom><w:r><w:t>移走</w:t></w:r></w:moveFrom></w:p>
        <w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>文本框</w:t></w:r></w:p></w:txbxContent></mc:Choice>
        <mc:Fallback><w:p><w:r><w:t>文本框</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent><w:t>框外</w:t></w:r></w:p>"#;
    assert_eq!(texts(&blocks(body, &[])), ["收费20元见附件", "上段接下段", "另行 尾", "文本框", "框外"]);
}

#[test]
fn tables_keep_their_cells() {
    let cell = |properties: &str, inner: &str| format!("<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>");
    let inner = format!("<w:tbl><w:tr>{}{}</w:tr></w:tbl><w:p/>", cell("", &p("", "内甲")), cell("", &p("", "内乙")));
    let body = format!(
        "<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>{}{}</w:tr><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr>\
         <w:tr><w:trPr><w:del w:id=\"1\"/></w:trPr>{}</w:tr><w:tr>{}</w:tr></w:tbl>{}",
        cell("", &p("", "项目")),
        cell("", &p("", "标准")),
        cell("<w:vMerge w:val=\"restart\"/>", &p("", "挂失")),
        cell("", &(p("", "口头") + &p("", "免费"))),
        cell("<w:vMerge/>", "<w:p/>"),
        cell("", &inner),
        cell("", &p("", "已删")),
        cell("<w:gridSpan w:val=\"2\"/>", &p("", "合计")),
        p("", "完"),
    );
    let rows = [["项目", "标准"], ["挂失", "口头 免费"], ["挂失", "内甲 内乙"], ["合计", ""]];
    assert_eq!(
        blocks(&body, &[]),
        [
            Block::Table { header: true, rows: rows.map(|r| r.map(String::from).to_vec()).to_vec() },
            Block::Paragraph("完".into()),
        ]
    );
}

#[test]
fn the_title_property_counts_only_if_the_text_bears_it_out() {
    let core = |title: &str| {
        format!("<cp:coreProperties xmlns:cp=\"c\" xmlns:dc=\"d\"><dc:title>{title}</dc:title></cp:coreProperties>")
    };
    let body = p("", "示例银行") + &p("", "挂失办法") + &p("", "第一条 甲。");
    for (title, kept) in [("示例银行挂失办法", true), ("关于开展大检查的通知", false), ("", false)] {
        let document = documents(read("旧名.docx", &docx(&body, &[("docProps/core.xml", &core(title))]))).remove(0);
        assert_eq!(document.meta.contains_key("title"), kept, "{title}");
        assert_eq!((document.file_stem.as_str(), document.source.as_str()), ("旧名", "制度/旧名.docx"));
    }
}

#[test]
fn bombs_and_damage_are_refused() {
    let huge = "<w:p/>".repeat(20_000_000);
    let bomb = docx(&huge, &[]);
    assert!(bomb.len() < 4_000_000);
    assert_eq!(code(read("bomb.docx", &bomb)), Code::DocumentTooLarge);

    let whole = docx(&p("", "第一条 甲。"), &[("word/styles.xml", STYLES)]);
    assert_eq!(code(read("cut.docx", &whole[..whole.len() / 2])), Code::DocumentUnreadable);
    let mut flipped = whole.clone();
    let middle = flipped.windows(17).position(|w| w == b"word/document.xml").unwrap() + 30;
    flipped[middle..middle + 8].fill(0xFF);
    assert_eq!(code(read("flipped.docx", &flipped)), Code::DocumentUnreadable);
    assert_eq!(code(read("empty.docx", &package(&[("a.txt", "x")]))), Code::DocumentUnreadable);

    let many: Vec<String> = (0..10_001).map(|n| format!("word/{n}.xml")).collect();
    let parts: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(code(read("many.docx", &package(&parts))), Code::DocumentTooLarge);

    let laughs = "<!DOCTYPE w [<!ENTITY a \"haha\">]><w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>&a;</w:t></w:r></w:p></w:body></w:document>";
    assert_eq!(code(read("dtd.docx", &package(&[("word/document.xml", laughs)]))), Code::DocumentUnreadable);
    let deep = docx(&"<w:tbl><w:tr><w:tc>".repeat(100_000), &[]);
    assert_eq!(code(read("deep.docx", &deep)), Code::DocumentTooLarge);
    assert!(matches!(read("blank.docx", &docx("<w:p/>", &[])), Outcome::Skipped(_)));
}

#[test]
fn wrong_and_encrypted_containers_are_named() {
    let ole = |stream: &str| {
        let name: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".as_slice(), &[0; 1024], &name, &[0; 512]].concat()
    };
    assert_eq!(code(read("密.docx", &ole("EncryptedPackage"))), Code::DocumentEncrypted);
    assert_eq!(code(read("密.xlsx", &ole("EncryptedPackage"))), Code::DocumentEncrypted);
    let Outcome::Failed(old) = read("旧.docx", &ole("WordDocument")) else { panic!() };
    assert_eq!(old.code(), Code::DocumentUnsupported);
    assert!(old.hint().contains("另存为 .docx"));
    let word = docx(&p("", "甲"), &[]);
    assert_eq!(code(read("表.xlsx", &word)), Code::DocumentUnsupported);
    assert_eq!(code(read("文.docx", &workbook(&[("表", "")]))), Code::DocumentUnsupported);
    assert_eq!(code(read("文.md", &word)), Code::DocumentUnsupported);
    assert_eq!(code(read("文.docx", b"just text")), Code::DocumentUnreadable);
}

/// A workbook; each sheet is its name and its `<row>`s. Style 1 is a percentage, style 2 a Chinese date.
fn workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut list = String::new();
    let mut rels = format!("<Relationship Id=\"rs\" Type=\"{rel}/styles\" Target=\"styles.xml\"/>");
    let mut parts: Vec<(String, String)> = Vec::new();
    for (index, (name, rows)) in sheets.iter().enumerate() {
        let (name, hidden) = name.strip_prefix('!').map_or((*name, ""), |name| (name, " state=\"hidden\""));
        list += &format!("<sheet name=\"{name}\" sheetId=\"{}\"{hidden} r:id=\"r{index}\"/>", index + 1);
        rels += &format!("<Relationship Id=\"r{index}\" Type=\"{rel}/worksheet\" Target=\"worksheets/s{index}.xml\"/>");
        let (rows, merges) = rows.split_once('|').unwrap_or((rows, ""));
        let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData>{merges}</worksheet>");
        parts.push((format!("xl/worksheets/s{index}.xml"), sheet));
    }
    let styles = format!(
        "<styleSheet xmlns=\"{main}\"><numFmts count=\"1\"><numFmt numFmtId=\"170\" formatCode=\"yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;\"/></numFmts>\
         <cellXfs count=\"3\"><xf numFmtId=\"0\"/><xf numFmtId=\"10\"/><xf numFmtId=\"170\"/></cellXfs></styleSheet>"
    );
    let types = "http://schemas.openxmlformats.org/package/2006";
    parts.push(("[Content_Types].xml".into(), format!("<Types xmlns=\"{types}/content-types\"/>")));
    parts.push((
        "_rels/.rels".into(),
        format!("<Relationships xmlns=\"{types}/relationships\"><Relationship Id=\"r\" Type=\"{rel}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"),
    ));
    parts.push((
        "xl/workbook.xml".into(),
        format!("<workbook xmlns=\"{main}\" xmlns:r=\"{rel}\"><sheets>{list}</sheets></workbook>"),
    ));
    parts.push((
        "xl/_rels/workbook.xml.rels".into(),
        format!("<Relationships xmlns=\"{types}/relationships\">{rels}</Relationships>"),
    ));
    parts.push(("xl/styles.xml".into(), styles));
    let parts: Vec<(&str, &str)> = parts.iter().map(|(n, c)| (n.as_str(), c.as_str())).collect();
    package(&parts)
}

fn row(number: u32, cells: &[&str]) -> String {
    let cell = |(index, text): (usize, &&str)| {
        let column = char::from(b'A' + index as u8);
        match text.split_once('=') {
            Some((style, value)) => format!("<c r=\"{column}{number}\" s=\"{style}\"><v>{value}</v></c>"),
            None if text.is_empty() => String::new(),
            None => format!("<c r=\"{column}{number}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        }
    };
    format!("<row r=\"{number}\">{}</row>", cells.iter().enumerate().map(cell).collect::<String>())
}

#[test]
fn fields_over_the_header_of_a_sheet_are_lines() {
    let fields: [&[&str]; 4] = [
        &["文号:湖银价〔2026〕9号", "", "执行日期:2026年3月1日"],
        &["文号", "湖银价〔2026〕9号"],
        &["文号：", "湖银价〔2026〕9号", "单位:元"],
        &["文号:湖银价〔2026〕9号"],
    ];
    for fields in fields {
        let rows = [
            row(1, &["湖滨银行对公服务价目表(2026年版)"]),
            row(2, fields),
            row(3, &["生效日期", "2026年3月1日"]),
            row(4, &["项目", "标准", "优惠"]),
            row(5, &["账户管理费", "30元/月", "免收"]),
        ];
        let read = documents(read("价目.xlsx", &workbook(&[("Sheet1", &rows.concat())])));
        let table = [["项目", "标准", "优惠"], ["账户管理费", "30元/月", "免收"]];
        let table = table.map(|r| r.map(String::from).to_vec()).to_vec();
        assert_eq!(read[0].blocks.last(), Some(&Block::Table { header: true, rows: table }), "{fields:?}");
        let parsed = guida::text::legal::parse(&read[0]).unwrap().remove(0);
        assert_eq!(parsed.title, "湖滨银行对公服务价目表(2026年版)", "{fields:?}");
        assert_eq!(parsed.doc_no, "湖银价〔2026〕9号", "{fields:?}");
        assert_eq!(parsed.effective_from.map(|day| day.to_string()).as_deref(), Some("2026-03-01"), "{fields:?}");
    }
    // A header that names columns like fields is a header.
    let rows = [row(1, &["名称", "生效日期", "文号"]), row(2, &["年费", "2026年3月1日", "湖银价〔2026〕9号"])].concat();
    let read = documents(read("表.xlsx", &workbook(&[("Sheet1", &rows)])));
    assert!(matches!(read[0].blocks.last(), Some(Block::Table { rows, .. }) if rows.len() == 2));
}

#[test]
fn questions_and_answers_become_headings_and_paragraphs() {
    let faq = [
        row(1, &["常见问题汇总"]),
        row(2, &["序号", "问题", "答复", "依据"]),
        row(3, &["0=1", "卡丢了怎么办?", "先口头挂失。\n再书面挂失。", "挂失办法第一条"]),
        row(4, &["0=2", "收多少钱?", "1=0.0035"]),
    ]
    .concat();
    let fees =
        [row(1, &["项目", "标准", "起始"]), row(2, &["挂失", "1=0.005", "2=45474"]), row(3, &["", "0=10.5"])].concat();
    let fees = format!("{fees}|<mergeCells><mergeCell ref=\"A2:A3\"/></mergeCells>");
    let old = row(1, &["问题", "答案"]) + &row(2, &["旧问题", "旧答案"]);
    let read = documents(read("热线.xlsx", &workbook(&[("问答", &faq), ("收费", &fees), ("!作废", &old)])));
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].meta["level"].as_str(), read[0].meta["title"].as_str()), ("FAQ", "热线 问答"));
    assert_eq!(
        texts(&read[0].blocks),
        [
            "热线 问答",
            "卡丢了怎么办?",
            "先口头挂失。",
            "再书面挂失。",
            "依据\u{FF1A}挂失办法第一条",
            "收多少钱?",
            "0.35%"
        ]
    );
    assert_eq!(read[0].blocks[1], Block::Heading { depth: 2, text: "卡丢了怎么办?".into() });
    let rows = [["项目", "标准", "起始"].as_slice(), &["挂失", "0.50%", "2024年7月1日"], &["挂失", "10.5"]];
    let rows = rows.iter().map(|r| r.iter().map(|c| c.to_string()).collect()).collect();
    assert_eq!(
        read[1].blocks[1..],
        [Block::Heading { depth: 2, text: "收费".into() }, Block::Table { header: true, rows }]
    );
}

#[test]
fn hostile_workbooks_are_refused() {
    // Two cells at the corners of the sheet: as a rectangle this would be 17 billion cells.
    let corners = "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"A1048576\"><v>2</v></c></row>";
    assert_eq!(documents(read("角.xlsx", &workbook(&[("表", corners)]))).len(), 1);
    let wide = "<row r=\"1\"><c r=\"XFD1\"><v>1</v></c></row>";
    assert_eq!(code(read("宽.xlsx", &workbook(&[("表", wide)]))), Code::DocumentTooLarge);
    let bomb = workbook(&[("表", &"<row/>".repeat(20_000_000))]);
    assert!(bomb.len() < 4_000_000);
    assert_eq!(code(read("炸.xlsx", &bomb)), Code::DocumentTooLarge);
    let many: String = (1..=1_000).map(|n| format!("<row r=\"{n}\">{}</row>", "<c><v>1</v></c>".repeat(200))).collect();
    let sheets: Vec<(String, String)> = (0..6).map(|n| (format!("表{n}"), many.clone())).collect();
    let sheets: Vec<(&str, &str)> = sheets.iter().map(|(n, r)| (n.as_str(), r.as_str())).collect();
    assert_eq!(code(read("多.xlsx", &workbook(&sheets))), Code::DocumentTooLarge);
    let whole = workbook(&[("表", &row(1, &["甲"]))]);
    assert_eq!(code(read("断.xlsx", &whole[..whole.len() - 40])), Code::DocumentUnreadable);
}

#[test]
fn title_and_notes_inside_a_word_table_are_no_header_and_no_entries() {
    let cell = |span: u32, merge: &str, text: &str| {
        format!(
            "<w:tc><w:tcPr><w:gridSpan w:val=\"{span}\"/>{merge}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"
        )
    };
    let row = |before: u32, cells: &[String]| {
        let skip = format!("<w:trPr><w:gridBefore w:val=\"{before}\"/></w:trPr>");
        format!("<w:tr>{skip}{}</w:tr>", cells.concat())
    };
    let (start, on) = ("<w:vMerge w:val=\"restart\"/>", "<w:vMerge/>");
    let table = [
        row(0, &[cell(3, "", "铜雀卡收费表")]),
        row(0, &[cell(3, "", "单位：元")]),
        row(0, &[cell(1, start, "期限"), cell(2, "", "收费")]),
        row(0, &[cell(1, on, ""), cell(1, "", "1年以内"), cell(1, "", "1年以上")]),
        row(0, &[cell(1, "", "普通卡"), cell(1, "", "5"), cell(1, "", "10")]),
        row(1, &[cell(1, "", "另收1"), cell(1, "", "另收2")]),
        row(0, &[cell(3, "", "注：老人免收。")]),
    ];
    let found = blocks(&format!("<w:tbl>{}</w:tbl>", table.concat()), &[]);
    assert_eq!(texts(&found), ["铜雀卡收费表", "单位：元", "表", "注：老人免收。"]);
    assert!(matches!(&found[0], Block::Heading { depth: 1, .. }), "{found:?}");
    let Block::Table { rows, .. } = &found[2] else { panic!("{found:?}") };
    let expected =
        [["期限", "收费", "收费"], ["期限", "1年以内", "1年以上"], ["普通卡", "5", "10"], ["", "另收1", "另收2"]];
    assert_eq!(rows, &expected);
    assert_eq!(guida::text::table::header_rows(rows), 2);
}
