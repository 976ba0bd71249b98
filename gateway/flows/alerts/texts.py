"""What alerts say to people, in English and in Simplified Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

Language = Literal["en", "zh"]


class AlertKind(StrEnum):
    """What may need a person."""

    LAG = "lag"
    FAILING = "failing"
    REFUSING = "refusing"
    RECEIVER_PAUSED = "receiver_paused"
    UNACKNOWLEDGED = "unacknowledged"
    OVERSOLD = "oversold"
    PARKED = "parked"
    HELD = "held"
    SALES = "sales"
    REQUESTS = "requests"
    CLOCK = "clock"
    WORKERS = "workers"
    DISK = "disk"
    PAYMENT_PARKED = "payment_parked"
    PAYMENT_REFUSED = "payment_refused"
    PAYMENT_UNRESOLVED = "payment_unresolved"
    PAYMENT_DIFFERENCES = "payment_differences"
    PAYMENT_STATEMENT = "payment_statement"
    CARDS = "cards"


_TITLES: dict[AlertKind, dict[Language, str]] = {
    AlertKind.LAG: {"en": "channel behind", "zh": "渠道同步滞后"},
    AlertKind.FAILING: {"en": "channel cannot be reached", "zh": "渠道连接失败"},
    AlertKind.REFUSING: {"en": "channel refuses updates", "zh": "渠道拒绝更新"},
    AlertKind.RECEIVER_PAUSED: {"en": "receiver is gone", "zh": "接收端已失效"},
    AlertKind.UNACKNOWLEDGED: {"en": "bookings not confirmed", "zh": "预订未获确认"},
    AlertKind.OVERSOLD: {"en": "booking oversold", "zh": "预订超卖"},
    AlertKind.PARKED: {"en": "booking parked", "zh": "预订待处理"},
    AlertKind.HELD: {"en": "changes wait for confirmation", "zh": "变更待确认"},
    AlertKind.SALES: {"en": "direct sales are stuck", "zh": "直销订单处理受阻"},
    AlertKind.REQUESTS: {"en": "requests wait for an answer", "zh": "有待答复的预订申请"},
    AlertKind.CLOCK: {"en": "clocks differ", "zh": "时钟不一致"},
    AlertKind.WORKERS: {"en": "no worker is running", "zh": "后台工作进程未运行"},
    AlertKind.DISK: {"en": "disk nearly full", "zh": "磁盘空间不足"},
    AlertKind.PAYMENT_PARKED: {"en": "payment message set aside", "zh": "支付消息待人工处理"},
    AlertKind.PAYMENT_REFUSED: {"en": "payment callbacks refused", "zh": "支付回调被拒绝"},
    AlertKind.PAYMENT_UNRESOLVED: {"en": "payment outcome unknown", "zh": "支付结果未知"},
    AlertKind.PAYMENT_DIFFERENCES: {"en": "payments differ from the statement", "zh": "对账有差异"},
    AlertKind.PAYMENT_STATEMENT: {"en": "statement cannot be fetched", "zh": "无法获取对账单"},
    AlertKind.CARDS: {"en": "cards to charge at the terminal", "zh": "有银行卡需在终端扣款"},
}
_SENTENCES: dict[AlertKind, dict[Language, str]] = {
    AlertKind.LAG: {
        "en": "{subject} has not confirmed a change for {minutes} min. {error}",
        "zh": "{subject} 已有 {minutes} 分钟未确认变更。{error}",
    },
    AlertKind.FAILING: {
        "en": "{failures} calls to {subject} have failed one after the other: {error}",
        "zh": "连续 {failures} 次调用 {subject} 失败：{error}",
    },
    AlertKind.REFUSING: {
        "en": "{subject} refuses updates; room types or plans concerned: {targets}. {error}",
        "zh": "{subject} 拒绝了 {targets} 个房型或价格计划的更新：{error}",
    },
    AlertKind.RECEIVER_PAUSED: {
        "en": "{subject} gets no reservations until it is resumed: {error}",
        "zh": "{subject} 已停止接收预订，恢复之前不再投递：{error}",
    },
    AlertKind.UNACKNOWLEDGED: {
        "en": "Not confirmed by {subject}: {deliveries} of its reservations, the oldest for {minutes} min ({state}).",
        "zh": "{subject} 有 {deliveries} 个预订未确认，最早的已等待 {minutes} 分钟（{state}）。",
    },
    AlertKind.OVERSOLD: {
        "en": "Reservation {subject}: {nights} room nights were sold that were not free. Arrival {arrival}.",
        "zh": "预订 {subject}：售出了 {nights} 个无房可售的间夜。入住日期 {arrival}。",
    },
    AlertKind.PARKED: {
        "en": "Reservation {subject}: a room, plan or currency of it is not mapped, so it waits. Arrival {arrival}.",
        "zh": "预订 {subject}：其中的房型、价格计划或币种没有映射，因此暂缓处理。入住日期 {arrival}。",
    },
    AlertKind.HELD: {
        "en": "The guard holds back {nights} product nights of prices or openings from {subject}, to be confirmed.",
        "zh": "来自 {subject} 的 {nights} 个产品间夜的价格或开房变更已被拦截，等待人工确认。",
    },
    AlertKind.SALES: {
        "en": "Holds or dues of direct sales that nobody has looked after for {minutes} min: {count}. See the log.",
        "zh": "有 {count} 个直销保留或应付款在 {minutes} 分钟前就应处理，仍未完成：请查看日志。",
    },
    AlertKind.REQUESTS: {
        "en": "Booking requests that wait for an answer: {count}. The first is declined by itself in {minutes} min.",
        "zh": "有 {count} 个预订申请等待答复，最早的一个将在 {minutes} 分钟后自动谢绝。",
    },
    AlertKind.CLOCK: {
        "en": "The clock of {subject} is {seconds} s away from ours.",
        "zh": "{subject} 的时钟与本机相差 {seconds} 秒。",
    },
    AlertKind.WORKERS: {
        "en": "Nothing has been pushed or delivered for {minutes} min: no worker is at work.",
        "zh": "已有 {minutes} 分钟没有推送或投递：没有工作进程在运行。",
    },
    AlertKind.DISK: {
        "en": "{percent} % of the disk of {subject} is free.",
        "zh": "{subject} 所在磁盘仅剩 {percent}% 可用空间。",
    },
    AlertKind.PAYMENT_PARKED: {
        "en": "Messages about payments over {subject} that wait for a person: {count}. {error}",
        "zh": "{subject} 有 {count} 条支付消息需要人工查看：{error}",
    },
    AlertKind.PAYMENT_REFUSED: {
        "en": "Callbacks for {subject} are being refused ({error}); {count} so far. Check its keys and its address.",
        "zh": "{subject} 的回调被拒绝（{error}），累计 {count} 次。请检查密钥和回调地址。",
    },
    AlertKind.PAYMENT_UNRESOLVED: {
        "en": "Operations over {subject} of which nobody can tell what became: {count}, {error} among them.",
        "zh": "{subject} 有 {count} 笔支付操作的结果无法确定，其中包括 {error}。",
    },
    AlertKind.PAYMENT_DIFFERENCES: {
        "en": "Open differences between the statements of {subject} and the ledger: {count} ({error}, say).",
        "zh": "{subject} 的对账单与账本之间有 {count} 处差异尚未处理（例如 {error}）。",
    },
    AlertKind.PAYMENT_STATEMENT: {
        "en": "Statements of {subject} that could not be fetched: {count}. {error}",
        "zh": "{subject} 有 {count} 份对账单未能获取：{error}",
    },
    AlertKind.CARDS: {
        "en": "Cards that came with bookings and are due: {count}, that of {reservation} first (arrival {arrival}). "
        "{subject} has no payment account: charge them at the terminal.",
        "zh": "随预订提供的 {count} 张银行卡已到扣款日，首先是 {reservation}（入住日期 {arrival}）。"
        "{subject} 没有支付账户：请在终端扣款。",
    },
}
_WORDS: dict[str, dict[Language, str]] = {
    "raised": {"en": "New", "zh": "新告警"},
    "repeated": {"en": "Still there", "zh": "仍未解决"},
    "cleared": {"en": "Over", "zh": "已恢复"},
    "gateway": {"en": "the gateway", "zh": "网关"},
    "more": {"en": "and {count} more", "zh": "另有 {count} 条"},
}
# Where deliveries stand, as their rows say it.
_STATES: dict[str, dict[Language, str]] = {
    "pending": {"en": "waiting to be sent", "zh": "等待发送"},
    "sent": {"en": "sent, not answered", "zh": "已发送，未答复"},
    "refused": {"en": "refused", "zh": "被拒绝"},
    "parked": {"en": "not mapped", "zh": "未映射"},
}


def title(kind: AlertKind, language: Language) -> str:
    """A few words."""
    return _TITLES[kind][language]


def sentence(kind: AlertKind, language: Language, named: Mapping[str, Any]) -> str:
    """A whole sentence; what counterparts have said in it is cut to a length one reads."""
    values = {name: value[:200] if isinstance(value, str) else value for name, value in named.items()}
    if kind is AlertKind.UNACKNOWLEDGED and (state := _STATES.get(values["state"])):
        values["state"] = state[language]
    return _SENTENCES[kind][language].format_map(values).strip()


def word(name: str, language: Language, **named: object) -> str:
    """A heading of a notice."""
    return _WORDS[name][language].format_map(named)
