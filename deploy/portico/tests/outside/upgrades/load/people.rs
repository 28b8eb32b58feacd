//! People, who use the REST API.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use super::{Made, Rounds, id};
use crate::{
    Rest,
    rest::{Answer, PASSWORD, account},
    upgrades::balancer::Balancer,
};

pub(super) struct Person {
    name: &'static str,
    gateways: Arc<Balancer<Rest>>,
    rounds: Arc<Rounds>,
    token: String,
    refresh_token: String,
    projects: BTreeSet<String>,
}

impl Person {
    /// Makes an account and signs in.
    pub(super) async fn register(
        name: &'static str,
        gateways: Arc<Balancer<Rest>>,
        rounds: Arc<Rounds>,
    ) -> Self {
        let mut person = Self {
            name,
            gateways,
            rounds,
            token: String::new(),
            refresh_token: String::new(),
            projects: BTreeSet::new(),
        };
        let path = "POST /api/v1/auth/register";
        let registered = person.anybody(path, &account(name), 201).await;
        person.is_signed_in(&registered);
        person
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) async fn work(mut self) -> Made {
        let mut round = 0;
        while self.rounds.next().await {
            round += 1;
            let project = self.make_project(round).await;
            self.change(&project).await;
            match round % 4 {
                0 => self.sign_in().await,
                1 => self.refresh().await,
                2 => self.share(&project, round).await,
                _ => self.look_around().await,
            }
        }
        Made {
            rest: self.rest(),
            projects: self.projects,
        }
    }

    async fn make_project(&mut self, round: u32) -> String {
        let body = json!({"name": format!("{} {round}", self.name)});
        let key = format!("{}-{round}", self.name);
        let headers = [("Idempotency-Key", &*key)];
        let answer = self
            .call("POST /api/v1/projects", &headers, Some(&body))
            .await;
        let project = id(&answer.data(201));
        self.projects.insert(project.clone());
        project
    }

    /// Changes a project, and reads what it has written.
    async fn change(&self, project: &str) {
        let path = format!("/api/v1/projects/{project}");
        let seen = self.call(&format!("GET {path}"), &[], None).await;
        seen.data(200);
        let headers = [("If-Match", seen.header("etag").expect("a tag"))];
        let body = json!({"description": project});
        let line = format!("PATCH {path}");
        self.call(&line, &headers, Some(&body)).await.data(200);
        let changed = self.call(&format!("GET {path}"), &[], None).await;
        assert_eq!(changed.data(200)["description"], project);
    }

    async fn sign_in(&mut self) {
        let email = account(self.name)["email"].clone();
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.anybody("POST /api/v1/auth/login", &body, 200).await;
        self.is_signed_in(&answer);
    }

    async fn refresh(&mut self) {
        let body = json!({"refreshToken": self.refresh_token});
        let answer = self.anybody("POST /api/v1/auth/refresh", &body, 200).await;
        self.is_signed_in(&answer);
    }

    fn is_signed_in(&mut self, answer: &Value) {
        let text = |name: &str| answer[name].as_str().expect("a token").to_owned();
        self.token = text("token");
        self.refresh_token = text("refreshToken");
    }

    /// Adds somebody to a project who has just made an account.
    async fn share(&self, project: &str, round: u32) {
        let newcomer = account(&format!("{}-{round}", self.name));
        let made = self
            .anybody("POST /api/v1/auth/register", &newcomer, 201)
            .await;
        let body = json!({"userId": made["user"]["id"], "role": "MEMBER"});
        let line = format!("POST /api/v1/projects/{project}/members");
        self.call(&line, &[], Some(&body)).await.data(201);
    }

    async fn look_around(&self) {
        for path in ["auth/me", "auth/sessions", "projects", "invitations"] {
            self.call(&format!("GET /api/v1/{path}"), &[], None)
                .await
                .data(200);
        }
    }

    async fn anybody(&self, line: &str, body: &Value, status: u16) -> Value {
        let answer = self.gateways.next().call(line, &[], Some(body)).await;
        answer
            .unwrap_or_else(|error| panic!("{line}: {error:?}"))
            .data(status)
    }

    async fn call(&self, line: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let answer = self.rest().call(line, headers, body).await;
        answer.unwrap_or_else(|error| panic!("{line}: {error:?}"))
    }

    fn rest(&self) -> Rest {
        self.gateways.next().with_token(&self.token)
    }
}
