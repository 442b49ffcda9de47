//! What Go's `encoding/asn1` says of bytes that do not begin as what they should be.

/// The fault of the outermost header of something that should be a sequence, read into a Go type of this name.
pub(super) fn fault_of_sequence(bytes: &[u8], go_type: &str) -> Option<String> {
    const TRUNCATED: &str = "asn1: syntax error: truncated tag or length";
    let told = |fault: &str| Some(fault.to_owned());
    let Some(&first) = bytes.first() else { return told("asn1: syntax error: sequence truncated") };
    let (class, is_compound, tag) = (first >> 6, first & 0x20 != 0, first & 0x1f);
    let Some(&short) = bytes.get(1) else { return told(TRUNCATED) };
    let (mut length, mut offset) = (usize::from(short & 0x7f), 2);
    if short & 0x80 != 0 {
        let count = length;
        if count == 0 {
            return told("asn1: syntax error: indefinite length found (not DER)");
        }
        length = 0;
        for _ in 0..count {
            let Some(&byte) = bytes.get(offset) else { return told(TRUNCATED) };
            offset += 1;
            if length >= 1 << 23 {
                return told("asn1: structure error: length too large");
            }
            length = length << 8 | usize::from(byte);
            if length == 0 {
                return told("asn1: structure error: superfluous leading zeros in length");
            }
        }
        if length < 0x80 {
            return told("asn1: structure error: non-minimal length");
        }
    }
    if (class, is_compound, tag) != (0, true, 16) {
        return Some(format!(
            "asn1: structure error: tags don't match (16 vs {{class:{class} tag:{tag} length:{length} \
             isCompound:{is_compound}}}) {{optional:false explicit:false application:false private:false \
             defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}} {go_type} @{offset}"
        ));
    }
    (bytes.len() - offset < length).then(|| "asn1: syntax error: data truncated".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_judged_as_go_judges_them() {
        let told = |bytes: &[u8]| fault_of_sequence(bytes, "certificateRequest");
        assert_eq!(told(&[0x30, 1, 0]), None);
        assert_eq!(told(&[]).as_deref(), Some("asn1: syntax error: sequence truncated"));
        assert_eq!(told(&[0x30, 3, 0]).as_deref(), Some("asn1: syntax error: data truncated"));
        assert_eq!(told(&[0x30, 0x81, 1, 0]).as_deref(), Some("asn1: structure error: non-minimal length"));
        let mismatch = told(&[0, 0, 0]).unwrap();
        assert!(
            mismatch.starts_with(
                "asn1: structure error: tags don't match (16 vs {class:0 tag:0 length:0 isCompound:false})"
            )
        );
        assert!(mismatch.ends_with("omitEmpty:false} certificateRequest @2"));
    }
}
