//! Scratch.
use std::io::BufRead;
fn main() {
    for line in std::io::stdin().lock().lines() {
        let s: String = serde_json::from_str(&line.unwrap()).unwrap();
        let mut out = serde_json::Map::new();
        let show = |r: Result<serde_json::Value, yaml::Error>| match r {
            Ok(v) => v.to_string(),
            Err(e) => format!("ERR {e}"),
        };
        match yaml::to_json(&s) {
            Ok(v) => {
                out.insert("json".into(), v.to_string().into());
                out.insert("back".into(), yaml::from_json(&v).into());
            }
            Err(e) => {
                out.insert("json".into(), format!("ERR {e}").into());
            }
        }
        out.insert("strict".into(), show(yaml::to_json_strict(&s)).into());
        let v3 = (|| {
            let st = yaml::Stream::parse_first(&s, yaml::Dialect::V3)?;
            match st.documents.first() {
                None => Ok(serde_json::Value::Null),
                Some(&r) => {
                    let x = yaml::read(&st, r, yaml::Dialect::V3, yaml::Duplicates::FirstWins)?;
                    if x.duplicates.is_empty() { Ok(x.value) } else { Err(yaml::Error::Values(x.duplicates)) }
                }
            }
        })();
        out.insert("v3".into(), show(v3).into());
        println!("{}", serde_json::Value::Object(out));
    }
}
