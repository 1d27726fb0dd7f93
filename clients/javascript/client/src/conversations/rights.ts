/** Permissions in a conversation, as tables. They decide what the client offers; the server enforces them. */

import type { Conversation, ConversationKind, Member, MemberRole, Rights, User } from "../server/payloads.ts";

/** `manage`: name, picture, rules, members and restrictions. */
export type Permission = "post" | "manage" | "leave" | "delete";

/** What one member may do to another. */
export type MemberAction = "makeAdmin" | "makeMember" | "handOver" | "mute" | "remove" | "ban";

const GROUP: Record<MemberRole, readonly Permission[]> = {
  owner: ["post", "manage", "leave", "delete"],
  admin: ["post", "manage", "leave"],
  member: ["post", "leave"],
};

const RIGHTS: Record<ConversationKind, Record<MemberRole, readonly Permission[]>> = {
  direct: { owner: ["post"], admin: ["post"], member: ["post"] },
  group: GROUP,
  channel: { ...GROUP, member: ["leave"] },
};

/** By the role of the acting member, then by the role of the other one. */
const MEMBER_ACTIONS: Record<MemberRole, Record<MemberRole, readonly MemberAction[]>> = {
  owner: {
    owner: [],
    admin: ["makeMember", "handOver", "mute", "remove", "ban"],
    member: ["makeAdmin", "handOver", "mute", "remove", "ban"],
  },
  admin: { owner: [], admin: [], member: ["mute", "remove", "ban"] },
  member: { owner: [], admin: [], member: [] },
};

/** Actions that remove a member. In a conversation without an owner only the application may take them. */
const REMOVING_ACTIONS: readonly MemberAction[] = ["remove", "ban"];

/** Returns undefined until the members are loaded. */
export function roleOf({ members, ownerId }: Conversation, me: User): MemberRole | undefined {
  if (ownerId === me.id) return "owner";
  return members?.find((member) => member.userId === me.id)?.role;
}

/** Returns whether a role has a permission. A member whose role is unknown has those of a member. */
export function may(kind: ConversationKind, role: MemberRole | undefined, right: Permission): boolean {
  return RIGHTS[kind][role ?? "member"].includes(right);
}

/** Returns the kinds of conversation that the reader may create. */
export function creatable({ createDirect, createGroup, createChannel }: Rights): readonly ConversationKind[] {
  const kinds: readonly (readonly [ConversationKind, boolean])[] = [
    ["direct", createDirect],
    ["group", createGroup],
    ["channel", createChannel],
  ];
  return kinds.filter(([, isAllowed]) => isAllowed).map(([kind]) => kind);
}

export const mayCreateAny = (rights: Rights): boolean => creatable(rights).length > 0;

/** Returns whether the conversation is deleted when its last member leaves. */
export function endsWithLastMember({ ownerId }: Conversation, { deleteConversation }: Rights): boolean {
  return typeof ownerId === "string" && deleteConversation;
}

/** Returns whether the reader is not a member; false until the members are loaded. */
export function isNonMember({ members }: Conversation, me: User): boolean {
  return members !== undefined && !members.some(({ userId }) => userId === me.id);
}

/**
 * Returns what the reader may do to a member; to themselves, an admin may only step down. An erased user can only be
 * removed.
 */
export function memberActions(
  { kind, ownerId }: Pick<Conversation, "kind" | "ownerId">,
  role: MemberRole | undefined,
  target: Pick<Member, "role" | "erased">,
  isMe: boolean,
): readonly MemberAction[] {
  if (kind === "direct" || role === undefined) return [];
  if (isMe) return role === "admin" ? ["makeMember"] : [];
  return MEMBER_ACTIONS[role][target.role].filter(
    (action) =>
      (ownerId !== null || !REMOVING_ACTIONS.includes(action)) && (target.erased !== true || action === "remove"),
  );
}
