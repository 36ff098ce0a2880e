use guida::text::document::{Block, RawDocument};
use guida::text::{address, clause, legal, normalize::title_key};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
fn walk(d: &Path, out: &mut Vec<PathBuf>) {
    let mut es: Vec<_> = std::fs::read_dir(d).unwrap().map(|e| e.unwrap().path()).collect();
    es.sort();
    for p in es {
        if p.is_dir() {
            walk(&p, out)
        } else if p.extension().is_some_and(|e| e == "md") {
            out.push(p)
        }
    }
}
fn read(root: &Path, p: &Path) -> RawDocument {
    let text = std::fs::read_to_string(p).unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let mut raw = RawDocument {
        file_stem: p.file_stem().unwrap().to_string_lossy().into(),
        source: p.strip_prefix(root).unwrap().to_string_lossy().into(),
        ..Default::default()
    };
    let mut body = text;
    if let Some(rest) = text.strip_prefix("---\n") {
        let (fm, b) = rest.split_once("\n---\n").unwrap();
        for l in fm.lines() {
            if let Some((k, v)) = l.split_once(": ") {
                raw.meta.insert(k.into(), v.into());
            }
        }
        body = b;
    }
    let mut history = Vec::new();
    let mut in_info = body.contains("<!-- INFO END -->");
    let mut table: Vec<Vec<String>> = Vec::new();
    for l in body.lines() {
        let l = l.trim();
        if l.starts_with('|') {
            let cells: Vec<String> = l.trim_matches('|').split('|').map(|c| c.trim().to_string()).collect();
            if !cells.iter().all(|c| c.chars().all(|c| c == '-' || c == ':')) {
                table.push(cells);
            }
            continue;
        }
        if !table.is_empty() {
            raw.blocks.push(Block::Table { header: true, rows: std::mem::take(&mut table) });
        }
        if l.is_empty() {
            continue;
        }
        if l == "<!-- INFO END -->" {
            in_info = false;
            continue;
        }
        if l.starts_with('#') {
            let d = l.chars().take_while(|c| *c == '#').count();
            raw.blocks.push(Block::Heading { depth: d as u8, text: l[d..].trim().to_string() });
        } else if in_info {
            history.push(l.to_string())
        } else {
            raw.blocks.push(Block::Paragraph(l.strip_prefix("- ").unwrap_or(l).to_string()))
        }
    }
    if !table.is_empty() {
        raw.blocks.push(Block::Table { header: true, rows: table });
    }
    if !history.is_empty() {
        raw.meta.insert("history".into(), history.join("\n"));
    }
    raw
}
fn main() {
    let root = PathBuf::from(std::env::args().nth(1).unwrap_or("/work/shared/data/laws".into()));
    let mode = std::env::args().nth(2).unwrap_or_default();
    let mut files = Vec::new();
    walk(&root, &mut files);
    let raws: Vec<_> = files.iter().map(|f| read(&root, f)).collect();
    let t = std::time::Instant::now();
    let docs: Vec<_> =
        raws.iter().map(|r| legal::parse(r).map_err(|e| println!("ERR {e} {}", r.source)).ok()).collect();
    println!(
        "parse {:?} docs {} clauses {}",
        t.elapsed(),
        docs.iter().flatten().count(),
        docs.iter().flatten().map(|d| d.clauses.len()).sum::<usize>()
    );
    // lost text
    let squeeze = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let mut lost = 0;
    for (r, d) in raws.iter().zip(&docs) {
        let Some(d) = d else { continue };
        let mut all = String::new();
        let mut labels = HashSet::new();
        for c in &d.clauses {
            if !labels.insert(c.address.label.clone()) {
                println!("DUPLABEL {} {}", d.source, c.address.label);
            }
            if c.text.trim().is_empty() {
                println!("EMPTY {} {}", d.source, c.address.label);
            }
            all.push_str(&format!("{}\n{} {}\n", c.heading, c.address.label, c.text));
            if let Some(g) = &c.guide {
                all.push_str(&format!("{:?}", g));
            }
            all.push_str(&c.ask_variants.join("\n"));
        }
        let all = squeeze(&all);
        for b in &r.blocks {
            let texts: Vec<String> = match b {
                Block::Heading { text, .. } | Block::Paragraph(text) => vec![text.clone()],
                Block::Table { rows, .. } => rows.iter().map(|r| r.join("|")).collect(),
            };
            for t in texts {
                let s = squeeze(&t);
                let body = if s.starts_with('第') || s.starts_with('笫') {
                    s.split_once('条').map_or(s.clone(), |(_, b)| b.to_string())
                } else {
                    s.clone()
                };
                if !all.contains(&s) && !all.contains(&body) && !title_key(&t).eq(&d.title_key) && mode != "kb" {
                    lost += 1;
                    if lost < 60 {
                        println!("LOST {} | {}", d.source, t.chars().take(70).collect::<String>());
                    }
                }
            }
        }
    }
    println!("lost lines {lost}");
    // sequence
    for d in docs.iter().flatten() {
        let mut prev = 0;
        let mut gaps = Vec::new();
        for c in &d.clauses {
            if let Some(a) = c.address.article {
                if a != prev + 1 && a != prev && prev > 0 {
                    gaps.push(format!("{prev}->{a}"))
                }
                prev = a;
            }
        }
        let odd: Vec<_> = d
            .clauses
            .iter()
            .filter(|c| c.address.article.is_none() && c.address.label.contains('条'))
            .map(|c| c.address.label.clone())
            .take(5)
            .collect();
        if !gaps.is_empty() || !odd.is_empty() {
            println!("SEQ {} gaps {:?} odd {:?}", d.source, gaps, odd);
        }
    }
    let mut longest: Vec<_> = docs
        .iter()
        .flatten()
        .flat_map(|d| d.clauses.iter().map(move |c| (c.text.chars().count(), &d.source, &c.address.label)))
        .collect();
    longest.sort_by(|a, b| b.cmp(a));
    for l in longest.iter().take(12) {
        println!("LONG {l:?}");
    }
    if mode == "plain" {
        for d in docs.iter().flatten().filter(|d| !d.clauses.iter().any(|c| c.address.article.is_some())) {
            println!(
                "PLAIN {} {:?}",
                d.source,
                d.clauses
                    .iter()
                    .map(|c| format!(
                        "{}:{}",
                        c.address.label.chars().take(20).collect::<String>(),
                        c.text.chars().count()
                    ))
                    .take(8)
                    .collect::<Vec<_>>()
            );
        }
    }
    if mode == "kb" {
        for d in docs.iter().flatten() {
            println!(
                "KB {} {} {} {:?} {:?} {:?} {:?} {:?} n={} first={:?}",
                d.title,
                d.doc_no,
                d.issuer,
                d.level,
                d.published,
                d.effective_from,
                d.repealed_from,
                d.repeals,
                d.clauses.len(),
                d.clauses.first().map(|c| (&c.address.label, &c.heading))
            );
            for c in &d.clauses {
                if let Some(g) = &c.guide {
                    if g.steps.is_empty() || g.basis.is_empty() || g.conclusion.is_empty() {
                        println!("  THIN {} {:?}", c.address.label, g);
                    }
                }
            }
        }
        return;
    }
    let mut labels: BTreeMap<String, usize> = BTreeMap::new();
    for d in docs.iter().flatten() {
        for c in d.clauses.iter().filter(|c| c.address.article.is_none()) {
            *labels.entry(c.address.label.chars().take(6).collect()).or_default() += 1;
        }
    }
    let mut lv: Vec<_> = labels.into_iter().collect();
    lv.sort_by_key(|x| std::cmp::Reverse(x.1));
    println!("LABELS {:?}", &lv[..lv.len().min(40)]);
    let mut levels: BTreeMap<String, usize> = BTreeMap::new();
    for d in docs.iter().flatten() {
        *levels
            .entry(format!(
                "{:?} pub {} eff {} no {} issuer {}",
                d.level,
                d.published.is_some(),
                d.effective_from.is_some(),
                !d.doc_no.is_empty(),
                !d.issuer.is_empty()
            ))
            .or_default() += 1;
    }
    println!("{levels:#?}");
    for d in docs.iter().flatten() {
        if !d.repeals.is_empty() && mode == "repeals" {
            println!("REPEAL {} {:?}", d.title, d.repeals);
        }
        if mode == "meta" {
            println!(
                "META {} | {} | {} | {:?} | {:?} | {:?}",
                d.source, d.doc_no, d.issuer, d.level, d.published, d.effective_from
            );
        }
    }
    let t = std::time::Instant::now();
    let (merged, notes) = legal::merge(docs.into_iter().flatten().collect());
    println!("merge {:?} {} notes {}", t.elapsed(), merged.len(), notes.len());
    for n in &notes {
        println!("MERGE {n:?}");
    }
    for d in &merged {
        if d.title_key == "反洗钱法" || d.title_key == "商业银行法" || d.title_key == "民法典" {
            println!(
                "{} {:?} {:?} {:?} {} {} {:?} {:?}",
                d.title,
                d.published,
                d.effective_from,
                d.level,
                d.doc_no,
                d.issuer,
                d.repeals,
                d.clauses.len()
            );
        }
    }
    let bank = merged.iter().find(|d| d.title_key == "商业银行法").unwrap();
    let c = bank.clauses.iter().find(|c| c.address.article == Some(29)).unwrap();
    println!("{:?} {:?}", c.heading, clause::extract(&c.text, &address::parse("第二十九条第二款").unwrap()));
    let mut by: HashMap<&str, &legal::ParsedDocument> = HashMap::new();
    for d in &merged {
        by.entry(&d.title_key)
            .and_modify(|x| {
                if d.effective_from > x.effective_from {
                    *x = d
                }
            })
            .or_insert(d);
    }
    let (mut n, mut missing) = (0, 0);
    for l in std::fs::read_to_string("/work/shared/data/leco-dev.jsonl").unwrap().lines() {
        let v: serde_json::Value = serde_json::from_str(l).unwrap();
        for r in v["relevant"].as_array().unwrap() {
            n += 1;
            let (t, c) = (r["document"].as_str().unwrap(), r["clause"].as_str().unwrap());
            if !by.get(title_key(t).as_str()).is_some_and(|d| d.clauses.iter().any(|x| x.address.label == c)) {
                missing += 1;
                println!("MISSING {t} {c}");
            }
        }
    }
    println!("relevant {n} missing {missing}");
    let t = std::time::Instant::now();
    let mut refs = 0;
    let mut named: HashMap<String, usize> = HashMap::new();
    for d in &merged {
        for c in &d.clauses {
            for r in address::references(&c.text) {
                refs += 1;
                if let Some(x) = r.document {
                    *named.entry(x).or_default() += 1;
                }
            }
        }
    }
    println!("references {refs} in {:?}", t.elapsed());
    let unknown: Vec<_> = named.iter().filter(|(k, _)| !by.contains_key(title_key(k).as_str())).collect();
    println!("named {} unknown titles {}", named.len(), unknown.len());
    if mode == "refs" {
        for u in unknown {
            println!("UNK {u:?}");
        }
    }
}
