import type { LimitAnswer } from "../answers";
import { useWholeList } from "../data/use_pages";
import { count } from "../number_text";
import { Badge } from "../parts/badge";
import { type Column, PagedTable } from "../parts/table";
import { View } from "../parts/view";
import { texts } from "../texts";

const REFRESH_MS = 5_000;

export function Limits() {
  const pages = useWholeList<LimitAnswer>("admin/limits", REFRESH_MS);
  return (
    <View title={texts.limits.title} about={texts.limits.about}>
      <PagedTable
        label={texts.limits.title}
        columns={COLUMNS}
        pages={pages}
        keyOf={({ name }) => name}
        empty={texts.limits.empty}
      />
    </View>
  );
}

/** Returns how much is allowed at once, and how soon more is. */
export function allowed({ value, perSeconds }: LimitAnswer): string {
  if (perSeconds === undefined) return texts.limits.open(count(value));
  const perSecond = value / perSeconds;
  if (perSecond >= 1) return texts.limits.rate(count(value), texts.limits.perSecond(count(perSecond)));
  const perMinute = perSecond * 60;
  if (perMinute >= 1) return texts.limits.rate(count(value), texts.limits.perMinute(count(perMinute)));
  return texts.limits.rate(count(value), texts.limits.perHour(count(perMinute * 60)));
}

const COLUMNS: readonly Column<LimitAnswer>[] = [
  { name: texts.limits.name, cell: ({ name }) => <code>{name}</code> },
  { name: texts.limits.value, cell: allowed },
  {
    name: texts.limits.refused,
    isNumber: true,
    cell: ({ refused }) => (refused > 0 ? <Badge tone="warning">{count(refused)}</Badge> : count(refused)),
  },
];
