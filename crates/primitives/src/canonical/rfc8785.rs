//! The test vectors of RFC 8785: our text is the RFC's, or differs exactly as documented.

use serde_json::{Value, json};

use super::canonical_json;

/// Appendix B: the bits of a double, the RFC's text, and ours where it differs.
const NUMBERS: [(u64, &str, Option<&str>); 24] = [
    (0x0000_0000_0000_0000, "0", Some("0.0")),
    (0x8000_0000_0000_0000, "0", Some("-0.0")),
    (0x0000_0000_0000_0001, "5e-324", None),
    (0x8000_0000_0000_0001, "-5e-324", None),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308", None),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308", None),
    (0x4340_0000_0000_0000, "9007199254740992", Some("9007199254740992.0")),
    (0xc340_0000_0000_0000, "-9007199254740992", Some("-9007199254740992.0")),
    (0x4430_0000_0000_0000, "295147905179352830000", Some("2.9514790517935283e+20")),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22", None),
    (0x44b5_2d02_c7e1_4af6, "1e+23", None),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23", None),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000", Some("9.999999999999997e+20")),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000", Some("9.999999999999999e+20")),
    (0x444b_1ae4_d6e2_ef50, "1e+21", None),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7", None),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001", Some("1e-6")),
    (0x41b3_de43_5555_5553, "333333333.3333332", None),
    (0x41b3_de43_5555_5554, "333333333.33333325", None),
    (0x41b3_de43_5555_5555, "333333333.3333333", None),
    (0x41b3_de43_5555_5556, "333333333.3333334", None),
    (0x41b3_de43_5555_5557, "333333333.33333343", None),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333", Some("-3.3333333333333333e-6")),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2", None),
];

#[test]
fn canonical_json_numbers_are_those_of_rfc_8785_or_documented() {
    for (bits, rfc, ours) in NUMBERS {
        let number = f64::from_bits(bits);
        assert_eq!(canonical_json(&json!(number)), ours.unwrap_or(rfc), "{bits:016x}");
        assert_ne!(ours, Some(rfc), "{bits:016x}: no difference");
        // A different spelling of the same double.
        assert_eq!(rfc.parse::<f64>(), Ok(number), "{bits:016x}");
    }
    // NaN and infinity have no JSON; a `Value` cannot hold them.
    assert!([f64::NAN, f64::INFINITY].iter().all(|number| json!(number) == Value::Null));
    let integers =
        [(json!(9_007_199_254_740_993_u64), "9007199254740993"), (json!(-1), "-1"), (json!(0), "0")];
    for (integer, text) in integers {
        assert_eq!(canonical_json(&integer), text);
    }
}

#[test]
fn canonical_json_structures_and_strings_are_those_of_rfc_8785() {
    for (name, input, expected) in [
        ("arrays", r#"[56, {"d": true, "10": null, "1": []}]"#, r#"[56,{"1":[],"10":null,"d":true}]"#),
        (
            "french",
            r#"{"peach": "This sorting order", "péché": "is wrong according to French",
                "pêche": "but canonicalization MUST", "sin": "ignore locale"}"#,
            r#"{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}"#,
        ),
        (
            "structures",
            r#"{"1": {"f": {"f": "hi", "F": 5}, "\n": 56}, "10": {}, "": "empty", "a": {},
                "111": [{"e": "yes", "E": "no"}], "A": {}}"#,
            r#"{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}"#,
        ),
        ("unicode", r#"{"Unnormalized Unicode": "A\u030a"}"#, "{\"Unnormalized Unicode\":\"A\u{30a}\"}"),
        (
            "values",
            r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#,
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#,
        ),
        (
            "control characters",
            r#""\u0000\u0007\b\t\n\u000b\f\r\u001f\u007f\u2028""#,
            "\"\\u0000\\u0007\\b\\t\\n\\u000b\\f\\r\\u001f\u{7f}\u{2028}\"",
        ),
    ] {
        let value: Value = serde_json::from_str(input).unwrap();
        assert_eq!(canonical_json(&value), expected, "{name}");
    }
}

/// The RFC's example of sorting (`weird`): only the emoji, a pair of surrogates in UTF-16, is in another position.
#[test]
fn canonical_json_keys_sort_by_code_points() {
    let rfc = ["\n", "\r", "1", "</script>", "\u{80}", "ö", "€", "😂", "\u{fb33}"];
    let mut utf_16 = rfc;
    utf_16.sort_by_key(|key| key.encode_utf16().collect::<Vec<_>>());
    assert_eq!(utf_16, rfc);
    let mut ours = rfc;
    ours.swap(7, 8);

    let value: Value = rfc.iter().rev().map(|key| ((*key).to_owned(), json!(0))).collect();
    let members: Vec<String> = ours.iter().map(|key| format!("{}:0", json!(key))).collect();
    assert_eq!(canonical_json(&value), format!("{{{}}}", members.join(",")));
}
