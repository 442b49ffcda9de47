//! Name rules, each with what passes and upstream's words for what does not.

use super::*;
use crate::field::{Errors, Path};

#[track_caller]
fn check(messages: Messages, want: &[&str]) {
    assert_eq!(messages, want);
}

#[track_caller]
fn check_errors(errors: Errors, want: &[&str]) {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, want);
}

#[test]
fn dns_names() {
    check(is_dns1123_label("a-1"), &[]);
    check(is_dns1123_label("a.b"), &["must not contain dots"]);
    let label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    check(is_dns1123_label("A"), &[label]);
    check(is_dns1123_label(""), &[label]);
    check(is_dns1123_label(&"a".repeat(64)), &["must be no more than 63 characters"]);
    for fine in ["a", "a.b", "0.1", "a-b.c-d"] {
        check(is_dns1123_subdomain(fine), &[]);
    }
    for bad in ["", ".", "a.", "a..b", "-a", "a_b", "é", "a\n"] {
        assert_eq!(is_dns1123_subdomain(bad).len(), 1, "{bad}");
    }
    check(is_dns1035_label("a1"), &[]);
    assert_eq!(is_dns1035_label("1a").len(), 1);
    check(is_wildcard_dns1123_subdomain("*.a.b"), &[]);
    assert_eq!(is_wildcard_dns1123_subdomain("*.*.b").len(), 1);
    check(is_dns1123_subdomain_with_underscore("_a.b_c"), &[]);
    assert_eq!(is_dns1123_subdomain_with_underscore("a_").len(), 1);
}

#[test]
fn label_keys_and_values() {
    for fine in ["a", "A.b_c-1", "example.com/x"] {
        check(is_qualified_name(fine), &[]);
    }
    check(is_qualified_name("/x"), &["prefix part must be non-empty"]);
    assert_eq!(is_qualified_name("").len(), 2);
    assert_eq!(is_qualified_name("a/b/c").len(), 1);
    assert!(is_qualified_name("a/b/c")[0].ends_with("prefix and '/' (e.g. 'example.com/MyName')"));
    check(is_valid_label_value(""), &[]);
    check(is_valid_label_value(&"a".repeat(64)), &["must be no more than 63 bytes"]);
    assert_eq!(is_valid_label_value("-").len(), 1);
}

#[test]
fn keys_and_ports() {
    check(is_valid_port_name("http"), &[]);
    check(
        is_valid_port_name("8--"),
        &[
            "must contain at least one letter (a-z)",
            "must not contain consecutive hyphens",
            "must not begin or end with a hyphen",
        ],
    );
    check(is_config_map_key("a.b_C"), &[]);
    check(is_config_map_key(".."), &["must not be '..'"]);
    check(is_config_map_key("..a"), &["must not start with '..'"]);
    check(is_relaxed_env_var_name("1 x"), &[]);
    assert_eq!(is_relaxed_env_var_name("a=b").len(), 1);
    assert_eq!(is_env_var_name("1x").len(), 1);
    check(is_valid_port_num(0), &["must be between 1 and 65535, inclusive"]);
    check(is_valid_percent("5%"), &[]);
    assert_eq!(is_valid_percent("%").len(), 1);
    check(is_decimal_integer("-10"), &[]);
    assert_eq!(is_decimal_integer("-0").len(), 1);
    assert_eq!(is_decimal_integer("01").len(), 1);
}

#[test]
fn object_names() {
    check(name_is_dns_subdomain("web-", true), &[]);
    assert_eq!(name_is_dns_subdomain("web-", false).len(), 1);
    check(path_segment_name("system:node", false), &[]);
    check(path_segment_name("a/b%", false), &["may not contain '/'", "may not contain '%'"]);
    check(path_segment_name("..", false), &["may not be '..'"]);
    assert_eq!(name_is_dns_label("é-", true).len(), 1);
}

#[test]
fn addresses() {
    let path = Path::new("ip");
    check_errors(is_valid_ip(&path, "10.0.0.1"), &[]);
    check_errors(is_valid_ip(&path, "2001:db8::1"), &[]);
    check_errors(
        is_valid_ip(&path, "2001:DB8::1"),
        &[r#"ip: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")"#],
    );
    check_errors(is_valid_ip_for_legacy_field(&path, "2001:DB8::1", &[]), &[]);
    check_errors(
        is_valid_ip_for_legacy_field(&path, "010.0.0.1", &[]),
        &[r#"ip: Invalid value: "010.0.0.1": must not have leading 0s"#],
    );
    check_errors(is_valid_ip_for_legacy_field(&path, "010.0.0.1", &["010.0.0.1"]), &[]);
    check_errors(
        is_valid_ip_for_legacy_field(&path, "::ffff:1.2.3.4", &[]),
        &[r#"ip: Invalid value: "::ffff:1.2.3.4": must not be an IPv4-mapped IPv6 address"#],
    );
    for bad in ["", "1.2.3", "1.2.3.256", "1:2", "::1::", ":::", "1:2:3:4:5:6:7:8::", "fe80::1%eth0", "1.2.3.4.", "a"] {
        assert_eq!(is_valid_ip(&path, bad).len(), 1, "{bad}");
        assert_eq!(parse_ip_sloppy(bad), None, "{bad}");
    }
}

#[test]
fn networks() {
    let path = Path::new("cidr");
    check_errors(is_valid_cidr(&path, "10.0.0.0/8"), &[]);
    check_errors(is_valid_cidr(&path, "::/0"), &[]);
    check_errors(
        is_valid_cidr(&path, "10.0.0.1/8"),
        &[r#"cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length"#],
    );
    check_errors(
        is_valid_cidr(&path, "10.0.0.0/08"),
        &[r#"cidr: Invalid value: "10.0.0.0/08": must not have leading 0s in IP or prefix length"#],
    );
    check_errors(is_valid_interface_address(&path, "10.0.0.1/8"), &[]);
    for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "x/8", "1.2.3.4/8/8"] {
        assert_eq!(is_valid_cidr(&path, bad).len(), 1, "{bad}");
    }
    let warnings = get_warnings_for_cidr(&path, "10.0.0.1/8");
    assert_eq!(
        warnings,
        [r#"cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)"#]
    );
    assert_eq!(
        get_warnings_for_ip(&path, "::ffff:1.2.3.4"),
        [r#"cidr: non-standard IP address "::ffff:1.2.3.4" is invalid: use "1.2.3.4""#]
    );
}
