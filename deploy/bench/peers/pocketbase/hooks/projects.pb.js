// Whoever makes a project owns it, from the same transaction on.
onRecordCreateRequest((e) => {
  const outside = e.app;
  e.app.runInTransaction((app) => {
    e.app = app;
    e.next();
    app.save(
      new Record(app.findCollectionByNameOrId("members"), {
        project: e.record.id,
        user: e.auth.id,
        role: "OWNER",
      }),
    );
  });
  e.app = outside;
}, "projects");
