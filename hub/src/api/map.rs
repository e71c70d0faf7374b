//! The open cases of each grid, for a map.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::cases::OpenCounts;
use super::extract::Officer;
use super::problem::Problem;

/// The open cases of a grid.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GridCases {
    /// Code of the grid; null for cases at an unknown place.
    pub area: Option<String>,
    /// The most urgent severity, `P1` to `P4`.
    pub worst: String,
    /// How many of each severity; drills are not counted.
    pub open: OpenCounts,
}

/// The open cases of every grid that has any.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GridCaseList {
    /// One entry for each grid, by its path.
    pub items: Vec<GridCases>,
}

/// The open cases of every grid that is seen and has any, for a map.
#[utoipa::path(get, path = "/api/v1/statistics/grids", tag = "statistics", responses((status = 200, body = GridCaseList)))]
pub async fn grids(
    State(app): State<App>,
    officer: Officer,
) -> Result<Answer<GridCaseList>, Problem> {
    let grids = app.store.open_by_grid(&officer.scope).await?;
    let items = grids.into_iter().map(|(path, counts)| {
        let area = path.split('/').rfind(|code| !code.is_empty());
        let worst = counts.iter().position(|count| *count > 0).unwrap_or(3) + 1;
        GridCases {
            area: area.map(str::to_owned),
            worst: format!("P{worst}"),
            open: counts.into(),
        }
    });
    Ok(Answer(GridCaseList {
        items: items.collect(),
    }))
}
