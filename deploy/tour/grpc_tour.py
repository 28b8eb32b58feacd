"""The part of the tour over gRPC, which knows the services by reflection alone.

`run` beside it says how it is called.
"""

from __future__ import annotations

import os
import pathlib
import sys
import time
from collections.abc import Mapping
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

TIMEOUT = 20.0
PASSWORD = "correct horse battery"
STRING = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE

Metadata = tuple[tuple[str, str], ...]


def fail(what: str) -> NoReturn:
    """Ends the tour."""
    sys.exit(f"FAIL  {what}")


def connect(address: str) -> grpc.Channel:
    """With a certificate, where one is given."""
    names = ("TOUR_TLS_CA", "TOUR_TLS_KEY", "TOUR_TLS_CERT")
    if names[0] not in os.environ:
        return grpc.insecure_channel(address)
    files = [pathlib.Path(os.environ[name]).read_bytes() for name in names]
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(*files))


def rpc_details() -> DescriptorPool:
    """The parts of google.rpc that an error carries, which no server reflects."""
    file = descriptor_pb2.FileDescriptorProto(
        name="tour.proto", package="google.rpc", syntax="proto3"
    )
    file.dependency.append("google/protobuf/any.proto")
    repeated = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED

    def message(name: str, **fields: tuple[int, int, str]) -> None:
        declared = file.message_type.add(name=name)
        for field, (number, kind, type_name) in fields.items():
            added = declared.field.add(name=field, number=number, type=kind)
            if type_name:
                added.type_name = type_name
                added.label = repeated

    message("Status", details=(3, MESSAGE, ".google.protobuf.Any"))
    message("ErrorInfo", reason=(1, STRING, ""), domain=(2, STRING, ""))
    message("Violation", field=(1, STRING, ""), reason=(3, STRING, ""))
    message("BadRequest", field_violations=(1, MESSAGE, ".google.rpc.Violation"))
    pool = DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return pool


DETAILS = rpc_details()


def new(pool: DescriptorPool, name: str) -> Message:
    """An empty message of this type."""
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()


class Refused(Exception):
    """An error that a service answered, with what it says to programs."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error)
        self.code: grpc.StatusCode = error.code()
        self.reason = ""
        self.violations: list[tuple[str, str]] = []
        metadata = dict(error.trailing_metadata() or ())
        status = new(DETAILS, "google.rpc.Status")
        status.ParseFromString(metadata.get("grpc-status-details-bin", b""))
        for detail in status.details:
            name = detail.type_url.rpartition("/")[2]
            if name == "google.rpc.ErrorInfo":
                info = new(DETAILS, name)
                info.ParseFromString(detail.value)
                self.reason = f"{info.domain}/{info.reason}"
            elif name == "google.rpc.BadRequest":
                bad = new(DETAILS, name)
                bad.ParseFromString(detail.value)
                self.violations = [(v.field, v.reason) for v in bad.field_violations]


class Role:
    """One role's gRPC port, and what it says about itself."""

    def __init__(self, address: str) -> None:
        self.channel = connect(address)
        grpc.channel_ready_future(self.channel).result(TIMEOUT)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = DescriptorPool(self.database)

    def call(
        self, name: str, request: Mapping[str, Any], *metadata: tuple[str, str]
    ) -> dict[str, Any]:
        """Calls a method such as `portico.users.v1.UsersService.GetUser`."""
        service, _, method_name = name.rpartition(".")
        method = self.pool.FindServiceByName(service).methods_by_name[method_name]
        message = ParseDict(request, new(self.pool, method.input_type.full_name))
        answer = message_factory.GetMessageClass(method.output_type)
        call = self.channel.unary_unary(
            f"/{service}/{method_name}",
            request_serializer=lambda sent: sent.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        try:
            answered = call(message, metadata=metadata, timeout=TIMEOUT)
        except grpc.RpcError as error:
            raise Refused(error) from error
        return MessageToDict(answered, always_print_fields_with_no_presence=True)


def ok(what: str) -> None:
    """A step has gone well."""
    print(f"ok    {what}", flush=True)


def expect(what: str, found: object, expected: object) -> None:
    """A step whose outcome must be this."""
    if found != expected:
        fail(f"{what}: found {found!r}, expected {expected!r}")
    ok(what)


def expect_refusal(
    what: str,
    code: grpc.StatusCode,
    reason: str,
    role: Role,
    name: str,
    request: Mapping[str, Any],
    *metadata: tuple[str, str],
) -> Refused:
    """A step that must be refused, with this code and this reason."""
    try:
        answer = role.call(name, request, *metadata)
    except Refused as refused:
        expect(what, (refused.code, refused.reason), (code, f"portico/{reason}"))
        return refused
    fail(f"{what}: answered {answer!r}, expected {reason}")


def bearer(token: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


def main() -> None:
    auth = Role(os.environ["TOUR_AUTH_GRPC"])
    users = Role(os.environ["TOUR_USERS_GRPC"])
    projects = Role(os.environ["TOUR_PROJECTS_GRPC"])
    service = bearer(os.environ["TOUR_SERVICE_TOKEN"])
    run = str(time.time_ns())
    auth_service = "portico.auth.v1.AuthService"
    projects_service = "portico.projects.v1.ProjectsService"
    users_service = "portico.users.v1.UsersService"

    print("== The services")
    for role, name in [
        (auth, auth_service),
        (users, users_service),
        (projects, projects_service),
    ]:
        if name not in role.database.get_services():
            fail(f"reflection does not list {name}")
        health = role.call("grpc.health.v1.Health.Check", {})
        expect(f"{name} is listed and serves", health["status"], "SERVING")

    print("== The same over gRPC")
    account = {"email": f"ada-{run}@example.com", "password": PASSWORD}
    made = auth.call(f"{auth_service}.Register", {**account, "name": "Ada"})
    signed_in = auth.call(f"{auth_service}.Login", account)
    expect("Ada registers and signs in", signed_in["user"], made["user"])
    ada = bearer(signed_in["token"])
    me = users.call(f"{users_service}.GetUser", {"id": made["user"]["id"]}, ada)
    expect("She is who she is", me, made["user"])

    key = ("idempotency-key", f"apollo-{run}")
    apollo = {"name": f"Apollo {run}", "description": "To the moon"}
    project = projects.call(f"{projects_service}.CreateProject", apollo, ada, key)
    expect("She makes a project", project["myRole"], "OWNER")
    again = projects.call(f"{projects_service}.CreateProject", apollo, ada, key)
    expect("The same again makes no second one", again, project)
    got = projects.call(f"{projects_service}.GetProject", {"id": project["slug"]}, ada)
    expect("It is found by its slug", got, project)
    change = {"id": project["id"], "name": "Apollo 11"}
    if_match = ("if-match", f'"{project["etag"]}"')
    changed = projects.call(f"{projects_service}.UpdateProject", change, ada, if_match)
    expect("She changes it", changed["name"], "Apollo 11")
    projects.call(f"{projects_service}.CreateProject", {"name": "Gemini"}, ada)
    page = {"limit": 1, "sort": "name"}
    first = projects.call(f"{projects_service}.ListProjects", page, ada)
    cursor = first["pageInfo"]["nextCursor"]
    rest = projects.call(
        f"{projects_service}.ListProjects", {**page, "cursor": cursor}, ada
    )
    names = [one["name"] for answer in (first, rest) for one in answer["projects"]]
    expect("She lists them by cursor", names, ["Apollo 11", "Gemini"])

    print("== Errors say what they are")
    expect_refusal(
        "A late change does not overwrite hers",
        grpc.StatusCode.ABORTED,
        "ETAG_MISMATCH",
        projects,
        f"{projects_service}.UpdateProject",
        change,
        ada,
        if_match,
    )
    expect_refusal(
        "Nothing is there",
        grpc.StatusCode.NOT_FOUND,
        "PROJECT_NOT_FOUND",
        projects,
        f"{projects_service}.GetProject",
        {"id": "nothing"},
        ada,
    )
    refused = expect_refusal(
        "A faulty request is explained",
        grpc.StatusCode.INVALID_ARGUMENT,
        "VALIDATION_FAILED",
        projects,
        f"{projects_service}.CreateProject",
        {"description": "nameless"},
        ada,
    )
    expect("It names the field", refused.violations, [("name", "REQUIRED")])
    expect_refusal(
        "Nobody is nobody",
        grpc.StatusCode.UNAUTHENTICATED,
        "UNAUTHENTICATED",
        projects,
        f"{projects_service}.ListProjects",
        {},
    )

    print("== What only services may")
    check = {
        "projectId": project["id"],
        "userId": made["user"]["id"],
        "permission": "OWN",
    }
    access = projects.call(
        f"{projects_service}.CheckAccess", {"checks": [check]}, service
    )
    expect("A service asks who may", access["results"][0]["allowed"], True)
    people = users.call(
        f"{users_service}.BatchGetUsers", {"ids": [made["user"]["id"]]}, service
    )
    expect("A service asks who is who", people["users"], [made["user"]])
    expect_refusal(
        "People may not",
        grpc.StatusCode.PERMISSION_DENIED,
        "FORBIDDEN",
        users,
        f"{users_service}.BatchGetUsers",
        {"ids": []},
        ada,
    )
    projects.call(f"{projects_service}.DeleteProject", {"id": project["id"]}, ada)
    ok("Ada deletes the project")


if __name__ == "__main__":
    main()
