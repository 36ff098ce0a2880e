use std::io::BufRead;
fn main() {
    for l in std::io::stdin().lock().lines() {
        let l = l.unwrap();
        let r = guida::guard::redact(&l);
        if r.text != l {
            for f in &r.found {
                let s = &l[..f.range.start];
                let a: String = s.chars().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect();
                println!(
                    "{:?}\t{}【{}】{}",
                    f.kind,
                    a,
                    &l[f.range.clone()],
                    l[f.range.end..].chars().take(8).collect::<String>()
                );
            }
        }
    }
}
