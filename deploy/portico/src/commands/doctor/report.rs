//! What the doctor says: a line for each finding, or all of them as JSON.

use portico_chassis::finding::{Finding, Verdict};
use serde_json::{Value, json};

use crate::commands::{Outcome, print};

/// The findings so far.
pub(super) struct Report {
    /// What is printed at the end, if it is to be JSON.
    json: Option<Vec<Value>>,
    failures: usize,
}

impl Report {
    pub(super) fn new(is_json: bool) -> Self {
        Self {
            json: is_json.then(Vec::new),
            failures: 0,
        }
    }

    /// Tells of what was found in one check.
    pub(super) fn add(
        &mut self,
        check: &str,
        findings: impl IntoIterator<Item = Finding>,
    ) -> Outcome {
        for Finding { verdict, text } in findings {
            self.failures += usize::from(verdict == Verdict::Failure);
            let word = verdict.word();
            match &mut self.json {
                Some(rows) => rows.push(json!({"check": check, "verdict": word, "text": text})),
                None => print(&format!("{word:4}  {check}: {text}"))?,
            }
        }
        Ok(())
    }

    /// Prints what is left to print. Answers how many things do not work.
    pub(super) fn finish(self) -> anyhow::Result<usize> {
        if let Some(rows) = self.json {
            print(&serde_json::to_string_pretty(&rows)?)?;
        }
        Ok(self.failures)
    }
}
