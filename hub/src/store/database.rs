//! How to ask the database, whichever it is: one set of statements for SQLite and PostgreSQL.
//!
//! Writing a statement:
//! - Number the placeholders: `$1`, `$2`, …; both databases read them, and a number may be used twice.
//!   [`QueryBuilder`] numbers by itself.
//! - Use [`query`] and [`query_scalar`] of this module and [`Connection`], never sqlx's own: values go
//!   through [`Bind`], which stores truth values as 0 and 1 in BIGINT columns (write `is_open = 1`),
//!   every integer as BIGINT, and takes NUL characters out of texts, which PostgreSQL refuses.
//! - Read integers as `i64` (see [`small`] for narrower ones) and texts as `String` or `&str`. Name the
//!   columns; never `SELECT *`.
//! - `SUM` of integers is NUMERIC on PostgreSQL: write `CAST(SUM(x) AS BIGINT)`. `COUNT` is BIGINT.
//! - `ON CONFLICT … DO UPDATE` must not meet the same row twice in one statement: PostgreSQL refuses.
//! - `INSERT … RETURNING` and `UPDATE … RETURNING`, row values `(a, b) > ($1, $2)`, partial indexes,
//!   `CASE`, `COALESCE` and `LIKE … ESCAPE` are the same on both. Dates, JSON operators and
//!   `GLOB` are not: keep them out.
//! - Where the databases differ nevertheless, the difference is a method of
//!   [`Dialect`](super::dialect::Dialect).
//!
//! A schema change is a migration for each dialect under the same number, in
//! `migrations/sqlite` and `migrations/postgres`. Integers are INTEGER there and BIGINT here, texts are
//! `TEXT COLLATE "C"` on PostgreSQL so that both sort alike. A migration that was merged is never
//! changed. A new table is also named in `backup::TABLES`.

use std::fmt::Write;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, Arguments, AssertSqlSafe, Decode, Executor, Row, Type};

/// A connection to the store, inside or outside a transaction.
pub type Connection = sqlx::AnyConnection;

/// Rows of an insert in one statement: at most 18 values a row stay far below SQLite's 32,766 and
/// PostgreSQL's 65,535.
const ROWS_MAX: usize = 64;

/// A value on its way into the database.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Every integer, and truth values as 0 and 1.
    Integer(Option<i64>),
    /// A real number.
    Real(Option<f64>),
    /// A text without NUL characters.
    Text(Option<String>),
}

/// What can be bound to a placeholder.
pub trait Bind {
    /// What stands for an absent value of this type.
    const NULL: Value;
    /// The value as the database takes it.
    fn into_value(self) -> Value;
}

macro_rules! bind {
    ($($type:ty => $kind:ident($convert:expr),)*) => {
        $(impl Bind for $type {
            const NULL: Value = Value::$kind(None);
            fn into_value(self) -> Value {
                Value::$kind(Some(($convert)(self)))
            }
        })*
    };
}

bind! {
    i64 => Integer(|n| n),
    i32 => Integer(i64::from),
    u32 => Integer(i64::from),
    u8 => Integer(i64::from),
    bool => Integer(i64::from),
    f64 => Real(|n| n),
    &str => Text(|text: &str| without_nul(text.to_owned())),
    String => Text(without_nul),
}

impl<T: Bind + Clone> Bind for &T {
    const NULL: Value = T::NULL;
    fn into_value(self) -> Value {
        self.clone().into_value()
    }
}

impl<T: Bind> Bind for Option<T> {
    const NULL: Value = T::NULL;
    fn into_value(self) -> Value {
        self.map_or(T::NULL, Bind::into_value)
    }
}

/// A text as it is stored.
pub(crate) fn clean(text: &str) -> String {
    without_nul(text.to_owned())
}

fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

fn add(arguments: &mut AnyArguments, value: Value) {
    let added = match value {
        Value::Integer(value) => arguments.add(value),
        // sqlx tells PostgreSQL that an absent f64 is a `real`, and an absent f32 a `double precision`; the
        // statement stays prepared for what came first.
        Value::Real(None) => arguments.add(None::<f32>),
        Value::Real(value) => arguments.add(value),
        Value::Text(value) => arguments.add(value),
    };
    added.expect("integers, reals and texts are always encoded");
}

/// A statement with its values.
pub struct Query {
    statement: sqlx::SqlStr,
    arguments: AnyArguments,
}

/// A statement, to be given its values in the order of their numbers.
pub fn query(statement: &'static str) -> Query {
    Query {
        statement: sqlx::SqlSafeStr::into_sql_str(statement),
        arguments: AnyArguments::default(),
    }
}

impl Query {
    /// Gives the next placeholder its value.
    #[must_use]
    pub fn bind(mut self, value: impl Bind) -> Self {
        add(&mut self.arguments, value.into_value());
        self
    }

    /// Runs it; tells how many rows it changed.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn execute<'e>(self, on: impl Executor<'e, Database = Any>) -> sqlx::Result<u64> {
        let done = sqlx::query_with(self.statement, self.arguments)
            .execute(on)
            .await?;
        Ok(done.rows_affected())
    }

    /// Every row.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn fetch_all<'e>(
        self,
        on: impl Executor<'e, Database = Any>,
    ) -> sqlx::Result<Vec<AnyRow>> {
        sqlx::query_with(self.statement, self.arguments)
            .fetch_all(on)
            .await
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn fetch_optional<'e>(
        self,
        on: impl Executor<'e, Database = Any>,
    ) -> sqlx::Result<Option<AnyRow>> {
        sqlx::query_with(self.statement, self.arguments)
            .fetch_optional(on)
            .await
    }

    /// The first row.
    ///
    /// # Errors
    /// [`sqlx::Error::RowNotFound`], and whatever the database says.
    pub async fn fetch_one<'e>(
        self,
        on: impl Executor<'e, Database = Any>,
    ) -> sqlx::Result<AnyRow> {
        self.fetch_optional(on)
            .await?
            .ok_or(sqlx::Error::RowNotFound)
    }
}

/// A statement whose rows have one column that matters, the first.
pub struct Scalar(Query);

/// A statement that asks for one value.
pub fn query_scalar(statement: &'static str) -> Scalar {
    Scalar(query(statement))
}

impl Scalar {
    /// Gives the next placeholder its value.
    #[must_use]
    pub fn bind(self, value: impl Bind) -> Self {
        Self(self.0.bind(value))
    }

    /// The value of the first row, if there is one.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn fetch_optional<'e, T>(
        self,
        on: impl Executor<'e, Database = Any>,
    ) -> sqlx::Result<Option<T>>
    where
        T: for<'r> Decode<'r, Any> + Type<Any>,
    {
        let row = self.0.fetch_optional(on).await?;
        row.map(|row| row.try_get(0)).transpose()
    }

    /// The value of the first row.
    ///
    /// # Errors
    /// [`sqlx::Error::RowNotFound`], and whatever the database says.
    pub async fn fetch_one<'e, T>(self, on: impl Executor<'e, Database = Any>) -> sqlx::Result<T>
    where
        T: for<'r> Decode<'r, Any> + Type<Any>,
    {
        self.0.fetch_one(on).await?.try_get(0)
    }
}

/// A statement made of parts.
pub struct QueryBuilder {
    statement: String,
    values: Vec<Value>,
    /// Whether placeholders are `?`.
    anonymous: bool,
}

impl QueryBuilder {
    /// Begins with this.
    #[must_use]
    pub fn new(head: &'static str) -> Self {
        Self {
            statement: head.to_owned(),
            values: Vec::new(),
            anonymous: false,
        }
    }

    /// Begins with this, for hundreds of values on this connection. SQLite looks a numbered placeholder up
    /// among all others each time that it is bound, which takes the square of their number; it gets `?`.
    #[must_use]
    pub fn on(connection: &Connection, head: &'static str) -> Self {
        Self {
            anonymous: places_are_anonymous(connection),
            ..Self::new(head)
        }
    }

    /// Adds a piece of SQL. Only texts of the program: what comes from outside is bound.
    pub fn push(&mut self, sql: &'static str) -> &mut Self {
        self.statement.push_str(sql);
        self
    }

    /// Adds the name of a table or column that the program knows from elsewhere than its text.
    pub(super) fn push_name(&mut self, name: &str) -> &mut Self {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(
            name.chars().all(fits),
            "`{name}` is not a name of our schema"
        );
        self.statement.push_str(name);
        self
    }

    /// Adds a placeholder with its value.
    pub fn push_bind(&mut self, value: impl Bind) -> &mut Self {
        self.push_value(value.into_value());
        self
    }

    /// Adds `$1, $2, …)` after an opening bracket. The last item is repeated up to a power of two, so
    /// that few different statements have to be prepared; an empty list is `NULL)`, which nothing is in.
    pub fn push_list<T: Bind>(&mut self, items: impl Iterator<Item = T>) -> &mut Self {
        let mut items: Vec<Value> = items.map(Bind::into_value).collect();
        if let Some(last) = items.last().cloned() {
            items.resize(items.len().next_power_of_two(), last);
        } else {
            self.push("NULL");
        }
        for (i, item) in items.into_iter().enumerate() {
            self.push(if i == 0 { "" } else { ", " }).push_value(item);
        }
        self.push(")")
    }

    pub(super) fn push_value(&mut self, value: Value) {
        self.values.push(value);
        if self.anonymous {
            self.statement.push('?');
            return;
        }
        write!(self.statement, "${}", self.values.len()).expect("a String takes everything");
    }

    /// The same statement, to be told how it would be run.
    #[cfg(test)]
    pub(super) fn explained(mut self, how: &'static str) -> Query {
        self.statement.insert_str(0, how);
        self.build()
    }

    /// The statement, ready to be run.
    pub fn build(&mut self) -> Query {
        let mut arguments = AnyArguments::default();
        for value in std::mem::take(&mut self.values) {
            add(&mut arguments, value);
        }
        let statement = AssertSqlSafe(std::mem::take(&mut self.statement));
        Query {
            statement: sqlx::SqlSafeStr::into_sql_str(statement),
            arguments,
        }
    }
}

fn places_are_anonymous(connection: &Connection) -> bool {
    connection.backend_name() == "SQLite"
}

/// The values of one row of an insert.
pub struct RowValues<'b> {
    query: &'b mut QueryBuilder,
    is_first: bool,
}

impl RowValues<'_> {
    /// The value of the next column.
    pub fn push_bind(&mut self, value: impl Bind) -> &mut Self {
        self.query.push(if self.is_first { "(" } else { ", " });
        self.is_first = false;
        self.query.push_bind(value);
        self
    }
}

/// `INSERT INTO … ` before the rows and ` ON CONFLICT …` after them.
pub type Frame = (&'static str, &'static str);

/// Inserts rows, many at a time and in order. The numbers of rows in one statement are powers of
/// two, so that few different statements have to be prepared.
///
/// # Errors
/// Whatever the database says.
pub async fn insert<T>(
    connection: &mut Connection,
    (head, tail): Frame,
    rows: &[T],
    bind: impl Fn(&mut RowValues<'_>, &T),
) -> sqlx::Result<()> {
    let anonymous = places_are_anonymous(connection);
    let statement = |part: &[T]| {
        let mut query = QueryBuilder {
            anonymous,
            ..QueryBuilder::new(head)
        };
        query.push(" VALUES ");
        for (i, item) in part.iter().enumerate() {
            query.push(if i == 0 { "" } else { ", " });
            let mut row = RowValues {
                query: &mut query,
                is_first: true,
            };
            bind(&mut row, item);
            query.push(")");
        }
        query.push(tail);
        query.build()
    };
    let (first, mut rest) = next_part(rows);
    let mut ready = (!first.is_empty()).then(|| statement(first));
    while let Some(now) = ready {
        let (part, after) = next_part(rest);
        rest = after;
        // The next statement is made while the database, a thread or a process of its own, does this one.
        let next = async { (!part.is_empty()).then(|| statement(part)) };
        let (done, next) = tokio::join!(biased; now.execute(&mut *connection), next);
        done?;
        ready = next;
    }
    Ok(())
}

/// The rows of the next statement, and those after it.
fn next_part<T>(rows: &[T]) -> (&[T], &[T]) {
    let count = rows.len().checked_ilog2().map_or(0, |power| 1 << power);
    rows.split_at(ROWS_MAX.min(count))
}

/// A narrow unsigned number out of a BIGINT column; what does not fit is its greatest.
pub fn small(row: &AnyRow, column: usize) -> u32 {
    u32::try_from(row.get::<i64, _>(column)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_and_lists_filled_up_to_a_power_of_two() {
        let mut query = QueryBuilder::new("SELECT id FROM cases WHERE severity = ");
        query.push_bind(1_u8).push(" AND id IN (");
        query.push_list([7_i64, 8, 9].into_iter());
        assert_eq!(
            query.statement,
            "SELECT id FROM cases WHERE severity = $1 AND id IN ($2, $3, $4, $5)"
        );
        assert_eq!(query.values[4], Value::Integer(Some(9)));
        let mut none = QueryBuilder::new("SELECT 1 WHERE 1 IN (");
        none.push_list(std::iter::empty::<i64>());
        assert_eq!(none.statement, "SELECT 1 WHERE 1 IN (NULL)");
    }

    #[test]
    fn nul_characters_are_replaced_and_absent_values_keep_their_type() {
        assert_eq!(
            "a\0b".into_value(),
            Value::Text(Some("a\u{fffd}b".to_owned()))
        );
        assert_eq!(None::<&str>.into_value(), Value::Text(None));
        assert_eq!(Some(&true).into_value(), Value::Integer(Some(1)));
    }
}
