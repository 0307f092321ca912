//! The four APIs of the demo, and the documented client of each.

use std::net::SocketAddr;

use tokio::process::Command;

/// One of the four.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) name: &'static str,
    /// The text of its contract.
    pub(crate) contract: &'static str,
    /// What its contract publishes for the requests of the demo, in words.
    pub(crate) published: &'static str,
    /// The same as units in a minute.
    pub(crate) per_minute: u32,
    /// What the documented client is made of.
    pub(crate) documented: &'static str,
    /// A shell's words that say whether what it needs is there.
    needs: &'static str,
    program: &'static str,
    script: &'static str,
}

/// Far more requests than a client gets answered during the demo.
const MANY: usize = 4_000;

pub(crate) const APIS: [Api; 4] = [
    Api {
        name: "peeker",
        contract: include_str!("../../../../contracts/peeker.toml"),
        published: "600 a minute for each key",
        per_minute: 600,
        documented: "curl+jq",
        needs: "command -v bash && command -v curl && command -v jq",
        program: "bash",
        script: "peeker.sh",
    },
    Api {
        name: "productlane",
        contract: include_str!("../../../../contracts/productlane.toml"),
        published: "1000 reads a minute for each key",
        per_minute: 1_000,
        documented: "fetch",
        needs: "node --eval 'fetch'",
        program: "node",
        script: "productlane.mjs",
    },
    Api {
        name: "prefetch",
        contract: include_str!("../../../../contracts/prefetch.toml"),
        published: "300 a minute for each address",
        per_minute: 300,
        documented: "fetch",
        needs: "node --eval 'fetch'",
        program: "node",
        script: "prefetch.mjs",
    },
    Api {
        name: "prolifi",
        contract: include_str!("../../../../contracts/prolifi.toml"),
        published: "1000 a minute for each key",
        per_minute: 1_000,
        documented: "curl",
        needs: "command -v bash && command -v curl",
        program: "bash",
        script: "prolifi.sh",
    },
];

impl Api {
    /// Where it is mounted.
    pub(crate) fn url(&self, service: SocketAddr) -> String {
        format!("http://{service}/{}", self.name)
    }

    /// Its documented client, ready to start; none if something it needs is not installed.
    pub(crate) async fn documented_client(
        &self,
        service: SocketAddr,
        key: &str,
    ) -> Option<Command> {
        let found = Command::new("sh").args(["-c", self.needs]).output().await.ok()?;
        if !found.status.success() {
            return None;
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../clients/");
        let mut client = Command::new(self.program);
        client.arg(format!("{folder}{}", self.script));
        match self.script {
            "peeker.sh" => client.arg("GET").args(["/v1/items"; MANY]),
            "prolifi.sh" => client.args(["/v1/items"; MANY]),
            "productlane.mjs" => client.args([MANY.to_string(), 0.to_string()]),
            _ => client.arg(MANY.to_string()),
        };
        let variable = self.name.to_uppercase();
        client.env(format!("{variable}_URL"), self.url(service));
        client.env(format!("{variable}_API_KEY"), key);
        Some(client)
    }
}
