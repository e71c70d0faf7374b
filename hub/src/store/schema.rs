//! The steps of the schema, from the files that are built into the binary.
//!
//! A file is `NNNN_what_it_is_about.sql`. What was released is never changed: the store remembers a digest of each
//! step that it took.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

#[derive(rust_embed::Embed)]
#[folder = "src/store/migrations/sqlite"]
struct Sqlite;

#[derive(rust_embed::Embed)]
#[folder = "src/store/migrations/postgres"]
struct Postgres;

/// Of a SQLite file.
pub(super) fn sqlite() -> Migrator {
    migrator::<Sqlite>()
}

/// Of a PostgreSQL database.
pub(super) fn postgres() -> Migrator {
    migrator::<Postgres>()
}

fn migrator<Files: rust_embed::Embed>() -> Migrator {
    Migrator::with_migrations(Files::iter().map(|name| step::<Files>(&name)).collect())
}

fn step<Files: rust_embed::Embed>(name: &str) -> Migration {
    let (version, description) = name
        .strip_suffix(".sql")
        .and_then(|name| name.split_once('_'))
        .expect("a test holds every file to its name");
    let text = Files::get(name).expect("the name was listed");
    let text = String::from_utf8(text.data.into_owned()).expect("a test reads every file");
    Migration::new(
        version
            .parse()
            .expect("a test holds every file to its name"),
        description.replace('_', " ").into(),
        MigrationType::Simple,
        AssertSqlSafe(text).into_sql_str(),
        false,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stores_go_the_same_steps_without_a_gap() {
        let steps = |migrator: &Migrator| -> Vec<(i64, String)> {
            let steps = migrator.iter();
            steps
                .map(|step| (step.version, step.description.to_string()))
                .collect()
        };
        let (sqlite, postgres) = (steps(&sqlite()), steps(&postgres()));
        assert_eq!(sqlite, postgres);
        let versions: Vec<i64> = sqlite.iter().map(|(version, _)| *version).collect();
        let count = i64::try_from(versions.len()).unwrap();
        assert!(count >= 16, "{versions:?}");
        assert_eq!(versions, (1..=count).collect::<Vec<_>>());
        assert_eq!(sqlite[0].1, "line");
    }
}
