import type { Conversation, Invitation } from "@talkwire/client";
import { Copy, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { Confirmation } from "../components/confirmation";
import { IconButton } from "../components/icon_button";
import { useChat } from "../page/chat_context";
import { copyText } from "../page/clipboard";
import { useReconnects } from "../page/use_reconnects";
import { useUser } from "../people/use_user";

const labels = texts.invitation;

interface Props {
  conversation: Conversation;
  /** Whether the reader is creating an invitation, after which the list is loaded again. */
  isCreating: boolean;
}

/** The invitation links with which people can still join, as far as the reader may revoke them. */
export function InvitationList({ conversation: { id, memberCount, members = [] }, isCreating }: Props) {
  const chat = useChat();
  const { invitations } = chat;
  const [usable, setUsable] = useState<readonly Invitation[]>([]);
  const [revoked, setRevoked] = useState<Invitation | null>(null);
  const reconnects = useReconnects();
  // What these have created works only while they manage the conversation.
  const managers = members.filter(({ role }) => role !== "member").map(({ userId }) => userId);
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the connection returns or members change
  useEffect(() => {
    if (isCreating) return;
    let isCurrent = true;
    invitations.list(id).then(
      (found) => isCurrent && setUsable(found.filter(isUsable)),
      // The reader may not see them any more.
      () => isCurrent && setUsable([]),
    );
    return () => {
      isCurrent = false;
    };
  }, [invitations, id, isCreating, reconnects, memberCount, managers.join()]);
  if (usable.length === 0) return null;
  const revoke = async (invitation: Invitation): Promise<void> => {
    await invitations.revoke(invitation.id);
    setUsable((before) => before.filter((each) => each !== invitation));
    chat.showToast(labels.revoked);
  };
  return (
    <section className="members" aria-label={labels.links}>
      <h3>{labels.links}</h3>
      <ul>
        {usable.map((each) => (
          <Row key={each.id} invitation={each} onRevoke={() => setRevoked(each)} />
        ))}
      </ul>
      {usable.some((each) => invitations.linkOf(each.id) === undefined) && <p className="hint">{labels.notKept}</p>}
      {revoked !== null && (
        <Confirmation
          title={labels.revokeQuestion}
          action={labels.revoke}
          onConfirm={() => revoke(revoked)}
          onClose={() => setRevoked(null)}
        >
          {labels.revoking}
        </Confirmation>
      )}
    </section>
  );
}

function Row({ invitation, onRevoke }: { invitation: Invitation; onRevoke: () => void }) {
  const chat = useChat();
  const { id, createdBy, createdAt, expiresAt, maxUses, uses, suspended = false } = invitation;
  const creator = useUser(createdBy ?? "");
  const name = creator?.name ?? createdBy;
  // The server stores no links: those of other pages and devices were shown once.
  const link = chat.invitations.linkOf(id);
  const details = [
    maxUses === undefined ? labels.usedBy(uses) : labels.left(maxUses - uses),
    expiresAt && labels.until(fullTime(expiresAt)),
  ];
  const maker = name === undefined ? labels.byApplication : labels.by(name);
  return (
    <li className="member">
      <span className="name" title={fullTime(createdAt)}>
        {maker}
        <span className="detail below">{suspended ? labels.suspended : details.filter(Boolean).join(" · ")}</span>
      </span>
      {link !== undefined && !suspended && (
        <IconButton icon={Copy} label={labels.copyOf(name ?? "")} onClick={() => void copyText(chat, link)} />
      )}
      <IconButton icon={Trash2} label={labels.revokeOf(name ?? "")} onClick={onRevoke} />
    </li>
  );
}

function isUsable({ expiresAt, maxUses, uses }: Invitation): boolean {
  const isOver = expiresAt !== undefined && new Date(expiresAt).getTime() <= Date.now();
  return !isOver && (maxUses === undefined || uses < maxUses);
}
