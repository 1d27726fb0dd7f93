/** Who may do what in a conversation, as tables. The server decides; this is what is offered. */

import type { Conversation, ConversationKind, MemberRole, Rights, User } from "../../server/payloads";

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

/** By the role of who does it, then by that of whom it is done to. */
const MEMBER_ACTIONS: Record<MemberRole, Record<MemberRole, readonly MemberAction[]>> = {
  owner: {
    owner: [],
    admin: ["makeMember", "handOver", "mute", "remove", "ban"],
    member: ["makeAdmin", "handOver", "mute", "remove", "ban"],
  },
  admin: { owner: [], admin: [], member: ["mute", "remove", "ban"] },
  member: { owner: [], admin: [], member: [] },
};

/** What takes a member out. Where nobody owns the conversation, only the application does. */
const REMOVING_ACTIONS: readonly MemberAction[] = ["remove", "ban"];

/** Undefined as long as the members are not here. */
export function roleOf({ members, ownerId }: Conversation, me: User): MemberRole | undefined {
  if (ownerId === me.id) return "owner";
  return members?.find((member) => member.userId === me.id)?.role;
}

/** Whoever's role is not known yet has the rights of a member. */
export function may(kind: ConversationKind, role: MemberRole | undefined, right: Permission): boolean {
  return RIGHTS[kind][role ?? "member"].includes(right);
}

/** Which kinds of conversation the reader creates here. */
export function creatable({ createDirect, createGroup, createChannel }: Rights): readonly ConversationKind[] {
  const kinds: readonly (readonly [ConversationKind, boolean])[] = [
    ["direct", createDirect],
    ["group", createGroup],
    ["channel", createChannel],
  ];
  return kinds.filter(([, isAllowed]) => isAllowed).map(([kind]) => kind);
}

export const mayCreateAny = (rights: Rights): boolean => creatable(rights).length > 0;

/** Whether the conversation goes when its last member leaves. */
export function endsWithLastMember({ ownerId }: Conversation, { deleteConversation }: Rights): boolean {
  return typeof ownerId === "string" && deleteConversation;
}

/** Whether the reader looks at it from outside; false as long as the members are not here. */
export function isNonMember({ members }: Conversation, me: User): boolean {
  return members !== undefined && !members.some(({ userId }) => userId === me.id);
}

/** What may be done to another; to oneself, as an admin, only stepping down. */
export function memberActions(
  { kind, ownerId }: Pick<Conversation, "kind" | "ownerId">,
  role: MemberRole | undefined,
  target: MemberRole,
  isMe: boolean,
): readonly MemberAction[] {
  if (kind === "direct" || role === undefined) return [];
  if (isMe) return role === "admin" ? ["makeMember"] : [];
  const allowed = MEMBER_ACTIONS[role][target];
  return ownerId === null ? allowed.filter((action) => !REMOVING_ACTIONS.includes(action)) : allowed;
}
