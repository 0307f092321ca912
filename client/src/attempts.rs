//! What it took to get a response.

use std::time::Duration;

/// What it took to get a response: an extension of every response that came through
/// [`Pacing`](crate::Pacing).
///
/// ```no_run
/// # async fn example(client: reqwest_middleware::ClientWithMiddleware) -> Result<(), Box<dyn std::error::Error>> {
/// use ratecell_client::Attempts;
///
/// let response = client.get("https://api.example.com/v1/items").send().await?;
/// if let Some(attempts) = response.extensions().get::<Attempts>() {
///     println!("sent {} times, after {:?}", attempts.sent(), attempts.waited());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    pub(crate) sent: u32,
    pub(crate) waited: Duration,
}

impl Attempts {
    /// How often the request was sent; 1 or more.
    pub const fn sent(&self) -> u32 {
        self.sent
    }

    /// How long it waited in all, in line and between attempts, without the attempts themselves.
    pub const fn waited(&self) -> Duration {
        self.waited
    }
}
