//! People from elsewhere, who sign in by the passwords that they had there.

use std::{path::PathBuf, process::Output};

use serde_json::{Value, json};

use crate::{Instance, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    imported_people_sign_in_by_their_passwords_and_nobody_is_welcomed,
    an_import_that_is_repeated_passes_over_whom_it_has_met,
    an_import_that_was_interrupted_goes_on,
    what_is_refused_is_told_by_its_line_and_without_secrets,
    values_separated_by_commas_are_imported_too,
}

/// Of `PASSWORD`, made by Python's bcrypt, passlib and argon2-cffi.
const HASHES: [(&str, &str); 4] = [
    (
        "bcrypt",
        "$2b$04$7v/Pp420wiBxbJNrBGIdR.REx94VUdo6wjsjx9YJ87JkaqYHhI1G2",
    ),
    (
        "scrypt",
        "$scrypt$ln=4,r=8,p=1$n/Meg9AaI6S0FqJU6p3z/g$ReyCXdSnXRLGy5UamXstd8o8uhiec+XWRwSKt6umR4Y",
    ),
    (
        "pbkdf2",
        "$pbkdf2-sha512$1000$zLm3Vur93/v/n7NWyvlfCw$ekNJ.U1QW1SwPPj2CP2SGB/wm5MUvF74.tWJfi9/t2Rw3qZPqR8.MYTmnYz2nb7uRF15VcuL47vSQnaBA84qsQ",
    ),
    (
        "argon2i",
        "$argon2i$v=19$m=64,t=2,p=1$jLEKA5MFzIVXKHc36uVlDQ$1wy6pIj3x24KQTRs9m635a7HgGbdaPqpdLV/2fLPFTA",
    ),
];

/// A file to be imported.
fn file(portico: &Instance, name: &str, text: &str) -> PathBuf {
    let path = portico.folder().join(name);
    std::fs::write(&path, text).expect("written");
    path
}

fn lines(people: &[Value]) -> String {
    people.iter().map(|person| format!("{person}\n")).collect()
}

async fn import(portico: &Instance, path: &PathBuf) -> Output {
    let mut command = portico.command(&["import-users"]);
    command.arg(path).output().await.expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// What the command printed, of a success.
fn summary(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

async fn imported_people_sign_in_by_their_passwords_and_nobody_is_welcomed(portico: &Instance) {
    let person = |(name, hash): &(&str, &str)| {
        json!({
            "email": format!("{name}@example.com"),
            "name": name,
            "emailVerified": true,
            "createdAt": "2019-12-31T23:00:00.5-01:00",
            "passwordHash": hash,
        })
    };
    let people: Vec<Value> = HASHES.iter().map(person).collect();
    let path = file(portico, "people.ndjson", &lines(&people));
    let output = import(portico, &path).await;
    assert_eq!(summary(&output), "4 imported, 0 imported before, 0 refused");
    for (name, _) in HASHES {
        let email = format!("{name}@example.com");
        // The second time by the hash that took the place of theirs.
        for _ in 0..2 {
            let person = portico.login(&email).await;
            let call = portico.call("GET /api/v1/auth/me").bearer(&person);
            let me = call.expect(200).await;
            assert_eq!(me["createdAt"], "2020-01-01T00:00:00.500Z");
            assert_eq!(
                (&me["emailVerified"], &me["role"]),
                (&json!(true), &json!("MEMBER"))
            );
        }
        let wrong = json!({"email": email, "password": "a wrong guess"});
        let call = portico.call("POST /api/v1/auth/login").json(wrong);
        call.refused(401, "INVALID_CREDENTIALS").await;
    }
    let kinds: Vec<String> = portico.outboxes().await;
    let count = |kind: &str| kinds.iter().filter(|row| row.starts_with(kind)).count();
    assert_eq!(count("user.imported "), 4);
    for (_, hash) in HASHES {
        assert!(!kinds.iter().any(|row| row.contains(hash)));
    }
    // Events come in their order: once somebody later is welcomed, they have
    // been met.
    let admin = portico.admin_person().await;
    let ada = portico.register("ada").await;
    portico.mail_job(&admin, &ada.email, "SENT").await;
    let call = portico.call("GET /api/v1/admin/mail-jobs?limit=100");
    let jobs = call.bearer(&admin).expect(200).await;
    let jobs = jobs.as_array().expect("a list");
    let is_theirs = |job: &&Value| {
        let to = job["to"].as_str().unwrap_or_default();
        HASHES.iter().any(|(name, _)| to.contains(name))
    };
    assert_eq!(jobs.iter().find(is_theirs), None);
}

async fn an_import_that_is_repeated_passes_over_whom_it_has_met(portico: &Instance) {
    let person = |number: usize| json!({"email": format!("p{number}@example.com"), "name": "P"});
    let people: Vec<Value> = (0..20).map(person).collect();
    let half = file(portico, "half.ndjson", &lines(&people[..10]));
    let all = file(portico, "all.ndjson", &lines(&people));
    let output = import(portico, &half).await;
    assert_eq!(
        summary(&output),
        "10 imported, 0 imported before, 0 refused"
    );
    let output = import(portico, &all).await;
    assert_eq!(
        summary(&output),
        "10 imported, 10 imported before, 0 refused"
    );
    let output = import(portico, &all).await;
    assert_eq!(
        summary(&output),
        "0 imported, 20 imported before, 0 refused"
    );
}

async fn an_import_that_was_interrupted_goes_on(portico: &Instance) {
    const PEOPLE: usize = 300;
    let person = |number: usize| json!({"email": format!("p{number}@example.com"), "name": "P", "passwordHash": HASHES[0].1});
    let people: Vec<Value> = (0..PEOPLE).map(person).collect();
    let path = file(portico, "people.ndjson", &lines(&people));
    let admin = portico.admin_person().await;
    let imported = async || {
        let call = portico.call("GET /api/v1/users?q=example.com&limit=1");
        let answer = call.bearer(&admin).send().await;
        let total = answer.body["meta"]["pagination"]["total"].as_u64();
        total.expect("a total") - 1 // the administrator
    };
    let mut command = portico.command(&["import-users"]);
    let mut running = command.arg(&path).spawn().expect("it starts");
    while imported().await < 20 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    running.kill().await.expect("killed");
    let before = imported().await;
    let output = import(portico, &path).await;
    let expected = PEOPLE as u64 - before;
    let expected = format!("{expected} imported, {before} imported before, 0 refused");
    assert_eq!(summary(&output), expected);
    assert_eq!(imported().await, PEOPLE as u64);
    for number in [0, before, PEOPLE as u64 - 1] {
        portico.login(&format!("p{number}@example.com")).await;
    }
}

async fn what_is_refused_is_told_by_its_line_and_without_secrets(portico: &Instance) {
    let ada = portico.register("ada").await;
    let person = |email: &str, hash: &str| {
        json!({"email": email, "name": "X", "passwordHash": hash}).to_string()
    };
    let good = HASHES[0].1;
    let expensive = good.replacen("$04$", "$31$", 1);
    let content = [
        person("one@example.com", good),
        person(&ada.email.to_uppercase(), good),
        person("ONE@example.com", good),
        person("two@example.com", "secret"),
        person("three@example.com", &expensive),
        person("no address", good),
        json!({"email": "four@example.com", "name": " "}).to_string(),
        json!({"email": "five@example.com", "name": "X", "createdAt": "2999-01-01T00:00:00Z"})
            .to_string(),
        "secret".to_owned(),
        person("last@example.com", good),
    ];
    let path = file(portico, "people.ndjson", &content.join("\r\n"));
    let report = portico.folder().join("report.txt");
    let mut command = portico.command(&["import-users", "--report"]);
    let output = command
        .arg(&report)
        .arg(&path)
        .output()
        .await
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout).trim(),
        "2 imported, 0 imported before, 8 refused"
    );
    let report = std::fs::read_to_string(report).expect("a report");
    let beginnings = [
        "line 2: An account with this e-mail address exists. (EMAIL_EXISTS)",
        "line 3: email: stands in an earlier line",
        "line 4: passwordHash: is no hash by Argon2, bcrypt, scrypt or PBKDF2 (NOT_ALLOWED)",
        "line 5: passwordHash: costs more than a sign-in may take",
        "line 6: email: must be an e-mail address (EMAIL_INVALID)",
        "line 7: name: must not be blank (REQUIRED)",
        "line 8: createdAt: must be a time since 1970 that has passed (OUT_OF_RANGE)",
        "line 9: is no object in JSON",
    ];
    for (line, beginning) in report.lines().zip(beginnings) {
        assert!(line.starts_with(beginning), "{line}");
    }
    assert_eq!(report.lines().count(), beginnings.len());
    for told in [report, text(&output.stderr), text(&output.stdout)] {
        assert!(!told.contains("secret") && !told.contains("$31$"), "{told}");
    }
    portico.login("last@example.com").await;
    // Whoever was there before keeps password and name.
    let body = json!({"email": ada.email, "password": PASSWORD});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    assert_eq!(call.expect(200).await["user"]["name"], "ada");
}

async fn values_separated_by_commas_are_imported_too(portico: &Instance) {
    let content = format!(
        "\u{feff}name,email,role,passwordHash\r\n\
         \"Root, the second\",second@example.com,ADMIN,\"{}\"\r\n\
         Plain,plain@example.com,,\r\n",
        HASHES[3].1
    );
    let path = file(portico, "people.csv", &content);
    let output = import(portico, &path).await;
    assert_eq!(summary(&output), "2 imported, 0 imported before, 0 refused");
    let second = portico.login("second@example.com").await;
    assert_eq!(second.name, "Root, the second");
    let call = portico
        .call("GET /api/v1/users?q=plain@example.com")
        .bearer(&second);
    assert_eq!(call.expect(200).await[0]["role"], "MEMBER");
    // Without a hash, nobody can sign in.
    let body = json!({"email": "plain@example.com", "password": ""});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    call.refused(400, "VALIDATION_FAILED").await;
    let unnamed = file(portico, "unnamed.csv", "second@example.com,Root,secret\n");
    let output = import(portico, &unnamed).await;
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("column 1 of line 1") && !told.contains("secret"),
        "{told}"
    );
}
