use std::collections::BTreeSet;

use super::*;

fn each(mut check: impl FnMut(&str, &str, &Operation)) {
    let mut document = crate::api::openapi();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            check(path, method, operation);
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_a_described_tag() {
    let mut ids = BTreeSet::new();
    each(|path, method, operation| {
        let id = operation.operation_id.clone().unwrap();
        assert!(ids.insert(id.clone()), "{method} {path}: `{id}` is taken");
        for tag in operation.tags.iter().flatten() {
            assert!(
                TAGS.iter().any(|(name, _)| name == tag),
                "{method} {path}: the tag `{tag}` needs a sentence in `TAGS`"
            );
        }
        assert!(
            operation.summary.is_some() || operation.description.is_some(),
            "{method} {path} needs a sentence"
        );
    });
    assert!(ids.contains("post_cases_by_id_actions"), "{ids:?}");
}

#[test]
fn routes_tell_how_to_sign_in_and_what_may_go_wrong() {
    each(|path, method, operation| {
        let at = format!("{method} {path}");
        let statuses: Vec<&str> = operation
            .responses
            .responses
            .keys()
            .map(String::as_str)
            .collect();
        assert!(operation.security.is_some(), "{at}");
        assert!(
            statuses.iter().any(|status| status.starts_with('2')),
            "{at}"
        );
        if routes::caller(path, method) != Caller::Anybody {
            for status in ["401", "429", "503"] {
                assert!(
                    statuses.contains(&status),
                    "{at} needs {status}: {statuses:?}"
                );
            }
        }
        if path.contains('{') {
            assert!(statuses.contains(&"404"), "{at}: {statuses:?}");
        }
    });
}
