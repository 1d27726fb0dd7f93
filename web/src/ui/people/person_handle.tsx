import { distinctName, handleOf, type Named, namesakeHandle } from "../../chat/people/namesakes";
import { useChatState } from "../page/chat_context";
import "./person_handle.css";

export const Handle = ({ handle }: { handle: string | undefined }) =>
  handle === undefined ? null : <span className="person-handle">@{handle}</span>;

/** Tells people of the same name apart: by their handle, or by their id. */
export const PersonHandle = ({ user, others }: { user: Named; others: readonly Named[] }) => (
  <Handle handle={handleOf(user, others)} />
);

interface Props {
  userId: string;
  name: string;
}

/** A user's handle, only where the reader knows another user of the same name. */
export const NamesakeHandle = ({ userId, name }: Props) => <Handle handle={useNamesakeHandle(userId, name)} />;

export const useNamesakeHandle = (userId: string, name: string): string | undefined =>
  useChatState(({ conversations }) => namesakeHandle(conversations, userId, name));

export const useDistinctName = (userId: string, name: string): string =>
  useChatState(({ conversations }) => distinctName(conversations, userId, name));
