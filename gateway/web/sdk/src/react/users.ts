import { useQuery, type QueryClient, type UseQueryResult } from "@tanstack/react-query";
import type { NewUser, UserChange, UsersQuery } from "../resources/users.js";
import type { SignIn, User } from "../schema.js";
import { changeData, changeItems } from "./cache.js";
import { useAuth, usePortico } from "./context.js";
import { keys, type Filters } from "./keys.js";
import { useChange } from "./use-change.js";
import { QUERY, useList, type ListResult, type QueryOptions } from "./use-list.js";

/** People. ADMIN only. */
export function useUsers(filters: Filters<UsersQuery> = {}, options: QueryOptions = {}): ListResult<User> {
  const { users } = usePortico();
  return useList(
    keys.users.list(filters),
    (cursor, call) => users.list({ ...filters, cursor }, call),
    options,
  );
}

/** A person: oneself, or anybody for an ADMIN. */
export function useUser(id: string, options: QueryOptions = {}): UseQueryResult<User> {
  const { users } = usePortico();
  return useQuery({
    ...QUERY,
    queryKey: keys.users.detail(id),
    queryFn: ({ signal }) => users.get(id, { signal }),
    enabled: options.enabled ?? true,
  });
}

/** Attempts to sign in as somebody, the newest first: as oneself, if nobody else is given. */
export function useSignIns(id?: string, options: QueryOptions = {}): ListResult<SignIn> {
  const { users } = usePortico();
  const { user } = useAuth();
  const whose = id ?? user?.id;
  return useList(
    keys.users.signIns(whose ?? ""),
    (cursor, call) => users.signIns(whose ?? "", { cursor }, call),
    { enabled: (options.enabled ?? true) && whose !== undefined },
  );
}

/** Changes what is known of a person, wherever it is. */
export function editUser(client: QueryClient, id: string, edit: (user: User) => User): void {
  const replace = (user: User) => (user.id === id ? edit(user) : user);
  changeData<User>(client, keys.me, replace);
  changeData<User>(client, keys.users.details, replace);
  changeItems<User>(client, keys.users.lists, replace);
}

const everywhere = () => [keys.me, keys.users.lists, keys.users.details];

export function useCreateUser() {
  return useChange({
    run: ({ users }, user: NewUser) => users.create(user),
    touches: () => [keys.users.lists],
  });
}

export interface UserUpdate {
  id: string;
  changes: UserChange;
  /** The `etag` that was seen. */
  etag?: string | undefined;
}

/** Shown at once, and taken back if it fails. */
export function useUpdateUser() {
  return useChange({
    run: ({ users }, { id, changes, etag }: UserUpdate) => users.update(id, changes, { etag }),
    touches: everywhere,
    guess: (client, { id, changes }) => {
      editUser(client, id, (user) => ({
        ...user,
        name: changes.name ?? user.name,
        avatar: changes.avatar === undefined ? user.avatar : changes.avatar,
        role: changes.role ?? user.role,
        status: changes.status ?? user.status,
      }));
    },
    learn: (client, updated, { id }) => {
      editUser(client, id, () => updated);
    },
  });
}

export interface UserRemoval {
  id: string;
  etag?: string | undefined;
  /** Who gets the projects that would be left without an owner. */
  newOwnerId?: string | undefined;
}

export function useDeleteUser() {
  return useChange({
    run: ({ users }, { id, ...options }: UserRemoval) => users.remove(id, options),
    touches: () => [keys.users.lists, keys.users.details],
  });
}

export function useRestoreUser() {
  return useChange({
    run: ({ users }, { id }: { id: string }) => users.restore(id),
    touches: () => [keys.users.lists, keys.users.details],
  });
}
