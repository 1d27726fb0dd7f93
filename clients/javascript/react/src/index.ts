/**
 * Hooks for chat in React. Start with {@link TalkwireProvider} and {@link useConversation}.
 *
 * @packageDocumentation
 */

import type {
  Card,
  Choice,
  Conversation,
  Member,
  Message,
  PendingMessage,
  Presence,
  RequestError,
  Room,
  SendOptions,
  Talkwire,
  TalkwireState,
  Team,
  Typist,
  UserChoice,
  WaitingCards,
  WorkingAgent,
} from "@talkwire/client";
import { type Cards, cardsOf } from "@talkwire/client/cards";
import { type Desk, type DeskNumbers, type DeskView, type DeskViewName, deskOf } from "@talkwire/client/desk";
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useReducer,
  useState,
  useSyncExternalStore,
} from "react";

const TalkwireContext = createContext<Talkwire | null>(null);

/** Properties of {@link TalkwireProvider}. */
export interface TalkwireProviderProps {
  /** The client, which the application creates and connects. */
  readonly client: Talkwire;
  readonly children?: ReactNode;
}

/** Gives a client to all components below it. */
export function TalkwireProvider({ client, children }: TalkwireProviderProps): ReactElement {
  return createElement(TalkwireContext.Provider, { value: client }, children);
}

/** Returns the client that `TalkwireProvider` was given. */
export function useTalkwire(): Talkwire {
  const client = useContext(TalkwireContext);
  if (client === null) throw new Error("There is no TalkwireProvider above this component.");
  return client;
}

/** Returns whether the client is connected. {@link useConnectionReason} returns why not. */
export function useConnection(): TalkwireState {
  const client = useTalkwire();
  const subscribe = useCallback((changed: () => void) => client.on("state", changed), [client]);
  return useSyncExternalStore(subscribe, () => client.state);
}

/** Returns why the client is not connected, or why the chat has ended; null otherwise. See `Talkwire.reason`. */
export function useConnectionReason(): RequestError | null {
  const client = useTalkwire();
  const subscribe = useCallback(
    (changed: () => void) => {
      const stops = [client.on("reason", changed), client.on("state", changed)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    [client],
  );
  return useSyncExternalStore(subscribe, () => client.reason);
}

/** What {@link useConversations} returns. */
export interface Conversations {
  /** The one with the newest message first. */
  readonly conversations: readonly Conversation[];
  /** Whether there are more than those that are loaded. */
  readonly hasMore: boolean;
  /** Loads the next page. Rejects with `RequestError`. */
  readonly loadMore: () => Promise<void>;
}

/** Returns the user's conversations. */
export function useConversations(): Conversations {
  const client = useTalkwire();
  const subscribe = useCallback((changed: () => void) => client.on("conversations", changed), [client]);
  const conversations = useSyncExternalStore(subscribe, () => client.conversations);
  const loadMore = useCallback(() => client.loadMoreConversations(), [client]);
  return { conversations, hasMore: client.hasMoreConversations, loadMore };
}

/** Returns the number of unread messages in all conversations, also in those that are not loaded. */
export function useUnread(): { readonly count: number } {
  const client = useTalkwire();
  const subscribe = useCallback((changed: () => void) => client.on("unread", changed), [client]);
  const count = useSyncExternalStore(subscribe, () => client.unreadCount);
  return useMemo(() => ({ count }), [count]);
}

/** Returns a user's presence while the component is shown; undefined until it is known. */
export function usePresence(userId: string): Presence | undefined {
  const client = useTalkwire();
  useEffect(() => client.watchPresence(userId), [client, userId]);
  const subscribe = useCallback((changed: () => void) => client.on("presence", changed), [client]);
  return useSyncExternalStore(subscribe, () => client.presence(userId));
}

/** What {@link useConversation} returns. */
export interface ConversationView {
  /** Everything else that can be done with the conversation. */
  readonly room: Room;
  /** Name, kind and counts; undefined until it is loaded. */
  readonly info: Conversation | undefined;
  /** The loaded messages, the oldest first. */
  readonly messages: readonly Message[];
  /** The messages that are not sent yet. */
  readonly pending: readonly PendingMessage[];
  /** Empty until `room.loadMembers()` was called. */
  readonly members: readonly Member[];
  /** Who is typing, without the reader. */
  readonly typing: readonly Typist[];
  /** The agents that work on an answer, with what they are doing, until they write it. */
  readonly working: readonly WorkingAgent[];
  readonly unreadCount: number;
  readonly isLoaded: boolean;
  readonly hasOlder: boolean;
  /** Why the messages could not be loaded; null if they were. */
  readonly error: RequestError | null;
  /** See `Room.send`. */
  readonly send: (content: string, options?: SendOptions) => Promise<Message>;
  /** Loads a page of older messages. */
  readonly loadOlder: () => Promise<void>;
  /** Marks all messages as read. Nothing else does. */
  readonly markRead: () => Promise<void>;
  /** Shows others that the reader is typing. Call it at every key. */
  readonly startTyping: () => void;
}

/** Returns a conversation with its newest messages, and follows it while the component is shown. */
export function useConversation(id: string): ConversationView {
  const client = useTalkwire();
  const room = client.conversation(id);
  const [, renew] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    // It may have changed between the rendering and this effect.
    renew();
    return room.on("change", renew);
  }, [room]);
  const actions = useMemo(
    () => ({
      send: (content: string, options?: SendOptions) => room.send(content, options),
      loadOlder: () => room.loadOlder(),
      markRead: () => room.markRead(),
      startTyping: () => room.startTyping(),
    }),
    [room],
  );
  const { info, messages, pending, members, typing, working, unreadCount, isLoaded, hasOlder, error } = room;
  return {
    room,
    info,
    messages,
    pending,
    members,
    typing,
    working,
    unreadCount,
    isLoaded,
    hasOlder,
    error,
    ...actions,
  };
}

/** What {@link useDesk} returns. */
export interface DeskList {
  /** The newest numbers of the team; undefined until they are known. */
  readonly numbers: DeskNumbers | undefined;
  /** The loaded conversations, in the order of the list. */
  readonly conversations: readonly Conversation[];
  /** Whether the first page is loaded. */
  readonly loaded: boolean;
  /** Why the list could not be loaded; null if it was. */
  readonly error: RequestError | null;
  /** Whether there are more than those that are loaded. */
  readonly hasMore: boolean;
  /** Loads the next page. Rejects with `RequestError`. */
  readonly loadMore: () => Promise<void>;
  /** See the methods of `Desk` with the same names. They reject with `RequestError`. */
  readonly claim: Desk["claim"];
  readonly release: Desk["release"];
  readonly handOff: Desk["handOff"];
  readonly close: Desk["close"];
  readonly sendNote: Desk["sendNote"];
}

/** Returns a list of a team's desk, and follows it while the component is shown. `view` is `waiting` by default. */
export function useDesk(teamId: string, view: DeskViewName = "waiting"): DeskList {
  const desk = deskOf(useTalkwire(), teamId);
  const list: DeskView = desk.view(view);
  const [, renew] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    // It may have changed between the rendering and this effect.
    renew();
    const stops = [desk.on("change", renew), list.on("change", renew)];
    return () => {
      for (const stop of stops) stop();
    };
  }, [desk, list]);
  const actions = useMemo(
    (): Pick<DeskList, "claim" | "release" | "handOff" | "close" | "sendNote" | "loadMore"> => ({
      claim: (id, options) => desk.claim(id, options),
      release: (id) => desk.release(id),
      handOff: (id, to, options) => desk.handOff(id, to, options),
      close: (id) => desk.close(id),
      sendNote: (id, content, options) => desk.sendNote(id, content, options),
      loadMore: () => list.loadMore(),
    }),
    [desk, list],
  );
  const { conversations, loaded, error, hasMore } = list;
  return { numbers: desk.numbers, conversations, loaded, error, hasMore, ...actions };
}

/** What {@link useCard} returns. */
export interface CardView {
  /** The card as it is now. */
  readonly card: Card | undefined;
  /** What the user has chosen; undefined if that is nothing, or not known yet. */
  readonly mine: Choice | undefined;
  /** What the first 100 users have chosen, as it was loaded, unless names or results are hidden. */
  readonly choices: readonly UserChoice[];
  /** Whether `mine` and `choices` are loaded. */
  readonly isLoaded: boolean;
  /** See the methods of `Cards` with the same names. They reject with `RequestError`. */
  readonly choose: (actionIds: readonly string[], choosing?: Parameters<Cards["choose"]>[2]) => Promise<void>;
  readonly close: () => Promise<void>;
  readonly cancel: () => Promise<void>;
}

const NO_CHOICES: readonly UserChoice[] = [];

/** Returns the card of a message, and follows it while the component is shown. */
export function useCard(message: Message): CardView {
  const cards = cardsOf(useTalkwire());
  const { id } = message;
  const subscribe = useCallback((changed: () => void) => cards.on("change", changed), [cards]);
  const known = useSyncExternalStore(subscribe, () => cards.known(id));
  const isUnknown = known === undefined;
  useEffect(() => {
    if (isUnknown) void cards.load(id);
  }, [cards, id, isUnknown]);
  const actions = useMemo(
    () => ({
      choose: async (actionIds: readonly string[], choosing?: Parameters<Cards["choose"]>[2]) => {
        await cards.choose(id, actionIds, choosing);
      },
      close: async () => {
        await cards.close(id);
      },
      cancel: async () => {
        await cards.cancel(id);
      },
    }),
    [cards, id],
  );
  return {
    card: known ?? message.card,
    mine: known?.mine,
    choices: known?.choices ?? NO_CHOICES,
    isLoaded: known != null,
    ...actions,
  };
}

/** Returns the open cards that wait for the user's choice, without polls, the newest first, and how many there are. */
export function useWaitingCards(): WaitingCards {
  const cards = cardsOf(useTalkwire());
  const subscribe = useCallback((changed: () => void) => cards.on("change", changed), [cards]);
  useEffect(() => cards.loadWaiting(), [cards]);
  return useSyncExternalStore(subscribe, () => cards.waiting);
}

/** Returns the teams that the user is in, in the order of their ids; undefined until they are loaded. */
export function useTeams(): readonly Team[] | undefined {
  const client = useTalkwire();
  const [teams, setTeams] = useState<readonly Team[]>();
  useEffect(() => {
    let isOver = false;
    const load = (): void => {
      client.teams().then(
        (loaded) => {
          if (!isOver) setTeams(loaded);
        },
        // The next connection loads them.
        () => undefined,
      );
    };
    load();
    const stops = [
      client.on("team", load),
      client.on("state", (state) => {
        if (state === "online") load();
      }),
    ];
    return () => {
      isOver = true;
      for (const stop of stops) stop();
    };
  }, [client]);
  return teams;
}
