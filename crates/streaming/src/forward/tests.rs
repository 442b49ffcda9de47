//! Forwarding over each protocol, against a backend of the test.

use super::*;

#[test]
fn ports_stand_in_the_query() {
    assert_eq!(ports(Some("port=80&port=81,82")), Ok(vec![80, 81, 82]));
    let refused = |query| ports(query).unwrap_err();
    assert_eq!(refused(None), "query parameter \"port\" is required");
    assert_eq!(refused(Some("port=")), "query parameter \"port\" cannot be empty");
    assert_eq!(refused(Some("port=0")), "port \"0\" must be > 0");
    assert!(refused(Some("port=x,1")).starts_with("unable to parse \"x,1\" as a port"));
    assert!(ports(Some(&"port=1&".repeat(200))).is_err());
}
