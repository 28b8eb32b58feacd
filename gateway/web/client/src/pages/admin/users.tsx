import { useAuth, useUsers } from "@portico/sdk/react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, SearchX } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { SelectField } from "@/ui/field";
import { LoadMore } from "@/ui/load-more";
import { PageHeader } from "@/ui/page";
import { SearchField } from "@/ui/search-field";
import { Empty, Failed, Skeleton, SkeletonRows } from "@/ui/states";
import { CreateUser } from "./create-user";
import { oneOf, roles, userSorts, userStatuses, type UsersSearch } from "./search";
import { UserRow, userColumns } from "./user-row";

/** Everybody with an account, and what an administrator can do about each. */
export function Users() {
  const { user: me } = useAuth();
  const search = useSearch({ from: "/app/admin/users" });
  const users = useUsers(search);
  const [isCreating, setIsCreating] = useState(false);
  const found = users.data?.items ?? [];
  return (
    <>
      <PageHeader
        title="Users"
        description="Everybody who has an account."
        actions={
          <Button
            variant="primary"
            onClick={() => {
              setIsCreating(true);
            }}
          >
            <Plus aria-hidden /> Create user
          </Button>
        }
      />
      <Filters search={search} />
      {users.isPending ? (
        <Card>
          <SkeletonRows count={8}>
            <SkeletonUser />
          </SkeletonRows>
        </Card>
      ) : users.data === undefined ? (
        <Failed error={users.error} onRetry={() => void users.refetch()} />
      ) : found.length === 0 ? (
        <Empty Icon={SearchX} title="Nobody was found">
          There is nobody of whom all of this is true. Search for less, or choose other filters.
        </Empty>
      ) : (
        <>
          <p role="status" className="mb-2 text-[13px] text-muted">
            {countOf(users.data.total, users.data.totalCapped)}
          </p>
          <Card>
            <div
              aria-hidden
              className={`${userColumns} hidden border-b border-line text-xs text-muted lg:grid`}
            >
              <span>Person</span>
              <span>Role</span>
              <span>Status</span>
              <span>Created</span>
            </div>
            <ul aria-label="Users" className="divide-y divide-line">
              {found.map((user) => (
                <UserRow key={user.id} user={user} isMe={user.id === me?.id} />
              ))}
            </ul>
          </Card>
          {users.hasNextPage && (
            <LoadMore
              onLoad={users.fetchNextPage}
              pending={users.isFetchingNextPage}
              failed={users.isFetchNextPageError}
            />
          )}
        </>
      )}
      {isCreating && (
        <CreateUser
          onClose={() => {
            setIsCreating(false);
          }}
        />
      )}
    </>
  );
}

function Filters({ search }: { search: UsersSearch }) {
  const navigate = useNavigate({ from: "/admin/users" });
  const change = (changes: UsersSearch) =>
    void navigate({ search: (before) => ({ ...before, ...changes }), replace: true, resetScroll: false });
  return (
    <search className="mb-4 grid grid-cols-2 gap-2 lg:flex">
      <SearchField
        label="Search users"
        value={search.q ?? ""}
        className="col-span-2 lg:flex-1"
        onSearch={(q) => {
          change({ q: q === "" ? undefined : q });
        }}
      />
      <SelectField
        label="Role"
        hideLabel
        value={search.role ?? ""}
        onChange={(event) => {
          change({ role: oneOf(roles, event.target.value) });
        }}
      >
        <option value="">Every role</option>
        <option value="ADMIN">Administrators</option>
        <option value="MEMBER">Members</option>
      </SelectField>
      <SelectField
        label="Status"
        hideLabel
        value={search.status ?? ""}
        onChange={(event) => {
          change({ status: oneOf(userStatuses, event.target.value) });
        }}
      >
        <option value="">Not deleted</option>
        <option value="ACTIVE">Active</option>
        <option value="DISABLED">Disabled</option>
        <option value="DELETED">Deleted</option>
      </SelectField>
      <div className="col-span-2">
        <SelectField
          label="Sort by"
          hideLabel
          value={search.sort ?? "-createdAt"}
          onChange={(event) => {
            const sort = oneOf(userSorts, event.target.value);
            change({ sort: sort === "-createdAt" ? undefined : sort });
          }}
        >
          <option value="-createdAt">Newest first</option>
          <option value="createdAt">Oldest first</option>
          <option value="-updatedAt">Changed last</option>
          <option value="name">Name, A to Z</option>
          <option value="-name">Name, Z to A</option>
          <option value="email">Email, A to Z</option>
          <option value="-email">Email, Z to A</option>
        </SelectField>
      </div>
    </search>
  );
}

function SkeletonUser() {
  return (
    <div className="flex h-23 items-center gap-3 border-b border-line px-4 lg:h-14">
      <Skeleton className="size-8 rounded-full" />
      <div className="flex flex-col gap-1.5">
        <Skeleton className="h-3.5 w-32" />
        <Skeleton className="h-3 w-44" />
      </div>
    </div>
  );
}

function countOf(total: number, isCapped: boolean): string {
  if (isCapped) {
    return `More than ${total.toLocaleString("en")} people`;
  }
  return total === 1 ? "1 person" : `${total.toLocaleString("en")} people`;
}
