"""The records that the page and the server exchange: what OpenAPI publishes, and the page's types are made from.

An item is named by its `row`, its place in the packed array, which stays the same for the life of a project.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Row = int
Kind = Literal["image", "sound", "vector"]
QueueKind = Literal["suggest", "yardstick", "rows", "second"]
Name = Field(min_length=1, max_length=200)


class Record(BaseModel):
    """What the server sends."""

    model_config = ConfigDict(extra="forbid")


class Order(BaseModel):
    """What the page sends."""

    model_config = ConfigDict(extra="forbid")


class Wrong(Record):
    """Any failure, in words: what is wrong, and what to do next."""

    error: str
    next: str = ""
    code: int = 2  # as the shell's exit codes


class Interval(Record):
    value: float
    low: float
    high: float


# the header of every page


class ClassInfo(Record):
    name: str
    key: str  # the key that gives it; "" beyond the thirteenth
    labeled: int  # items of the pool
    yardstick: int  # items of the yardstick


class SpaceInfo(Record):
    """Where codes come from. Before anything is learned, from the items themselves."""

    name: str  # the run; "quick" before one is learned
    method: str
    seed: int
    hash: str  # of the weights, 12 hex digits; "" for quick codes
    items: int
    dim: int
    learned: bool
    decodes: bool


class ModelInfo(Record):
    name: str  # the run
    method: str
    labels: int
    accuracy: Interval | None  # on the yardstick
    measured_on: int | None


class Job(Record):
    """A verb that runs (or ran) as a process of its own."""

    id: int
    verb: str  # "learn", "train", "round", "report" ...
    words: list[str]  # as typed in a shell, behind `tacit`
    status: Literal["waiting", "running", "stopping", "finished", "failed", "stopped"]
    began: float | None  # seconds since 1970
    ended: float | None
    run: str | None  # the run it is writing
    step: int | None
    steps: int | None
    eta: float | None  # seconds
    said: str  # the last line it said
    resumable: bool


class Banner(Record):
    """Something a person should know now."""

    id: str  # stable, so that it can be put away
    kind: Literal["info", "warning", "error"]
    text: str
    action: str = ""  # a page to go to, such as "/train"


class State(Record):
    """What every page shows, and what tells it that something changed."""

    version: int  # rises with every change; the same number means nothing to fetch again
    ready: bool
    waiting: str  # what is being done, while not ready
    project: str  # which one this is: another one may be served at the same address later; "" while not ready
    name: str
    folder: str
    kind: Kind
    shape: list[int]
    items: int
    pool: int
    yardstick: int
    labeled: int
    yardstick_labeled: int
    cannot_tell: int
    flagged: int
    suggested: int  # items of the latest round that wait for an answer
    round: int
    classes: list[ClassInfo]
    keys: dict[str, str]  # action -> key
    space: SpaceInfo | None
    model: ModelInfo | None
    jobs: list[Job]  # waiting, running, and the latest few that ended
    banners: list[Banner]


# items


class Guess(Record):
    answer: str
    confidence: float  # 0 to 1
    second: str | None = None
    second_confidence: float | None = None


class Item(Record):
    row: Row
    id: str
    name: str  # a path relative to the source, for people
    side: Literal["pool", "yardstick"]
    kind: Kind
    label: str | None  # "?" for cannot tell
    guess: Guess | None  # never of an item of the yardstick
    reason: str | None  # why it was suggested
    flag: str | None
    version: str  # part of the addresses of its pictures, so that they can be kept for ever


class Answered(Record):
    event: int
    time: float
    kind: str  # "answer", "undo", "redo"
    answer: str
    who: str
    source: str
    seconds: float | None
    suggestion: str | None
    note: str | None
    round: int | None


class Neighbour(Record):
    item: Item
    distance: float  # in the full space


class ItemDetails(Record):
    item: Item
    paths: list[str]
    size: int | None  # bytes of the file
    there: bool  # whether the file is still on the disk
    history: list[Answered]
    neighbours: list[Neighbour]
    agree: float | None  # share of these neighbours that are near on the map as well; None off the map
    warning: str  # where map and space disagree


class Cell(Record):
    name: str  # of the column
    value: float | str
    unusual: float | None  # standard deviations from the mean of the pool; None where it is no part of the item


class Cells(Record):
    """What tables say of one item, a cell a column."""

    cells: list[Cell]
    more: int  # columns beyond these


class Found(Record):
    """Where a search led; `place` is where a dropped file lies on the map."""

    items: list[Neighbour]
    place: tuple[float, float] | None
    said: str


# the map


class Cluster(Record):
    id: int
    rows_of: int  # items in it
    labeled: int
    majority: str | None  # class of most of its labels
    purity: Interval | None  # share of that class among the labels there
    x: float
    y: float


class Column(Record):
    """Something to colour by."""

    name: str
    title: str
    kind: Literal["category", "number"]


class View(Order):
    """A saved view of the map: what a person called it, and whatever the page wants to remember of it."""

    name: str = Name
    view: dict[str, Any]


class MapRecord(Record):
    """The map of a space; the points themselves come as binary."""

    ready: bool
    waiting: str
    space: SpaceInfo | None
    spaces: list[SpaceInfo]  # to choose from and to compare with
    laid_out: list[str]  # those of them that have a layout, the oldest first
    version: str  # of the layout: other points under another version
    points: int  # all of them are drawn
    of: int
    pool: int  # the first so many are the pool's, the others the yardstick's
    made: str  # how, "t-SNE"
    kept: float | None  # share of true neighbours kept
    note: str
    columns: list[Column]
    clusters: list[Cluster]
    views: list[View]


class ColumnRecord(Record):
    """A column of the map: numbers come as float32 (NaN: none), categories as int16 into `labels` (-1: none)."""

    name: str
    kind: Literal["category", "number"]
    labels: list[str]
    counts: list[int]
    low: float | None
    high: float | None
    missing: int
    said: str  # what it means, in a sentence


class Density(Record):
    """How crowded the map is: values (rows x cols), row by row from y = -1 up, over [-1, 1] x [-1, 1]; largest is 1."""

    rows: int
    cols: int
    values: list[float]


class ColumnImported(Record):
    columns: list[str]
    items: int
    unknown: int


# selections


class Rows(Order):
    rows: list[Row] = Field(max_length=2_000_000)


class SampleOrder(Rows):
    n: int = Field(default=12, ge=1, le=200)
    seed: int = Field(default=0, ge=0, le=2**31)


class Sample(Record):
    """Some of a selection, drawn at random, to look at before all of it is answered."""

    items: list[Item]
    of: int  # items of the selection that may be answered in bulk: unanswered ones of the pool
    labeled: int  # answered already
    yardstick: int  # never answered in bulk
    groups: str  # "looks like one group", "looks like two groups"
    suggestion: str | None  # class most of the guesses agree on


class BulkOrder(Order):
    key: str = Field(min_length=8, max_length=100)
    who: str = Name
    answer: str = Name
    rows: list[Row] = Field(min_length=1, max_length=2_000_000)
    looked: list[Row] = Field(default=[], max_length=10_000)  # items the person saw
    wrong: list[Row] = Field(default=[], max_length=10_000)  # of these, left out because they are something else
    note: str = Field(default="", max_length=2000)


class Bulk(Record):
    recorded: int
    looked: int
    of: int
    purity: Interval | None  # exact 95 % interval of the share that is right, from those looked at
    said: str
    version: int


class Split(Record):
    a: list[Row]
    b: list[Row]
    said: str


# labelling


class QueueOrder(Order):
    who: str = Name
    session: str = Field(min_length=4, max_length=100)  # of a browser tab: two get different items
    kind: QueueKind = "suggest"
    k: int = Field(default=20, ge=1, le=500)
    rows: list[Row] = Field(default=[], max_length=100_000)  # for kind "rows"
    have: list[Row] = Field(default=[], max_length=2000)  # in the tab's queue already


class Queue(Record):
    items: list[Item]
    kind: QueueKind
    round: int | None
    strategy: str  # "typical", "margin", "random" ...
    said: str  # why these, and when there is no model yet, that
    left: int  # that could still be handed out


class Answer(Order):
    key: str = Field(min_length=8, max_length=100)  # made by the page: sent twice, recorded once
    row: Row
    answer: str = Name  # a class, or "?"
    seconds: float | None = Field(default=None, ge=0, le=86_400)
    suggestion: str | None = Field(default=None, max_length=200)
    time: float | None = Field(default=None, ge=0, le=253402300799)  # when it was given, for answers typed offline
    round: int | None = None
    note: str | None = Field(default=None, max_length=2000)


class Answers(Order):
    who: str = Name
    session: str = Field(min_length=4, max_length=100)
    answers: list[Answer] = Field(min_length=1, max_length=10_000)
    together: bool = False  # one act: one undo takes all of them back, not one after another


class Refused(Record):
    key: str
    row: Row
    error: str


class Recorded(Record):
    recorded: int
    refused: list[Refused]  # and why: the page puts these items back
    renamed: dict[str, str]  # classes that have another name by now
    version: int


class Who(Order):
    who: str = Name
    session: str = Field(min_length=4, max_length=100)


class Changed(Record):
    """What an undo or redo did."""

    kind: Literal["undo", "redo"]
    rows: list[Row]
    answers: list[str | None]  # of these rows as of now
    said: str
    version: int


class Release(Who):
    """A tab that closes gives back what it was handed."""

    rows: list[Row] = Field(default=[], max_length=5000)


class LabelRecord(Record):
    """Where labelling stands."""

    classes: list[ClassInfo]
    keys: dict[str, str]
    round: int
    strategy: str
    suggested: int  # of the latest round, waiting for an answer
    yardstick_left: int
    second_left: int  # answered by one person, free for a second opinion
    advice: str  # what would help most now, in a sentence


class FlagOrder(Order):
    row: Row
    who: str = Name
    note: str | None = Field(default=None, max_length=2000)  # None takes it away


class ClassOrder(Order):
    """One change of the classes: a new one, another name, one less, or another order (and so other keys)."""

    who: str = Name
    add: str | None = Field(default=None, max_length=100)
    rename: tuple[str, str] | None = None
    remove: str | None = Field(default=None, max_length=100)
    instead: str | None = Field(default=None, max_length=100)  # with remove: its items get this class, or none
    order: list[str] | None = Field(default=None, max_length=1000)


class Said(Record):
    said: str
    version: int


# near copies


class DuplicateGroup(Record):
    keep: Item
    others: list[Item]
    distance: float  # largest to the one kept, in typical steps
    exact: bool  # several files with the same content: one item already
    paths: list[str] = []  # of these files, the first twenty


class Duplicates(Record):
    groups: list[DuplicateGroup]
    near: int  # items that are near copies of one that is kept
    said: str


class KeepOne(Order):
    who: str = Name
    key: str = Field(min_length=8, max_length=100)
    groups: list[list[Row]] = Field(max_length=100_000)  # the first of each is kept, the others are set aside


# the grid


GridState = Literal["all", "unlabelled", "labelled", "suggested", "yardstick", "flagged", "cannot-tell"]
GridSort = Literal["row", "name", "random", "confidence", "margin", "outlier"]


class GridOrder(Order):
    """Which items, in which order: all that is given must hold. The yardstick is shown on its own, by its state."""

    state: GridState = "all"  # "all" is all of the pool
    label: str | None = Field(default=None, max_length=200)  # what people said
    guess: str | None = Field(default=None, max_length=200)  # what the model says
    text: str | None = Field(default=None, max_length=500)  # part of a path, in upper or lower case
    cluster: int | None = Field(default=None, ge=0, le=32767)
    column: str | None = Field(default=None, max_length=500)  # of the map
    low: float | None = Field(default=None, allow_inf_nan=False)  # values of it; of categories, places in its labels
    high: float | None = Field(default=None, allow_inf_nan=False)
    order: GridSort = "row"  # least sure first, smallest margin first, strangest first; what has no value comes last
    seed: int = Field(default=0, ge=0, le=2**31)  # of the random order
    page: int = Field(default=0, ge=0, le=2**31)  # from 0
    size: int = Field(default=60, ge=1, le=200)
    space: str | None = Field(default=None, max_length=500)  # of cluster, column and outlier


class GridRecord(Record):
    """Items by filter, in an order, a page of them."""

    total: int
    rows: list[Row]  # all that match, in order, up to 1,000,000
    items: list[Item]  # of the page asked for
    said: str


# decoding


class Decoded(Record):
    src: str  # a data: address of a picture
    sound: str | None = None
    nearest: Item | None = None  # the real item nearest to its code
    distance: float | None = None
    label: str = ""


class DecodedItems(Record):
    items: list[Decoded]
    said: str


class WalkOrder(Order):
    a: Row
    b: Row
    steps: int = Field(default=9, ge=2, le=50)
    kind: Literal["auto", "straight", "spherical"] = "auto"
    space: str | None = None


class VariationOrder(Order):
    row: Row
    n: int = Field(default=8, ge=1, le=64)
    scale: float = Field(default=1.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, le=2**31)
    space: str | None = None


class Axis(Record):
    """A main direction of the codes, in standard deviations of it."""

    index: int
    share: float  # of the variance
    low: float
    high: float
    at: float  # where the item lies


class Axes(Record):
    row: Row
    axes: list[Axis]


class SliderOrder(Order):
    row: Row
    at: dict[int, float] = Field(max_length=64)  # axis -> position
    space: str | None = None


# jobs


class JobOrder(Order):
    """A verb to start: `settings` are what its signature takes."""

    verb: Literal["learn", "train", "round", "evaluate", "report", "export", "simulate"]
    name: str | None = Field(default=None, max_length=500)  # the method or strategy
    settings: dict[str, str] = Field(default={}, max_length=100)
    resume: bool = False


class JobDetails(Record):
    job: Job
    log: list[str]  # its last lines
    progress: list[dict[str, Any]]  # as in progress.jsonl, thinned to 200


# Progress, Train, Look, Runs, Settings


class Setting(Record):
    name: str
    default: str
    kind: Literal["number", "switch", "text"]


class MethodInfo(Record):
    name: str
    paper: str
    use_when: str
    task: Literal["learn", "train"]  # what it is for
    settings: list[Setting]
    recipe: list[Setting]


class CurvePoint(Record):
    labels: float
    accuracy: Interval
    run: str = ""
    method: str = ""
    items: int | None = None


class CurveLine(Record):
    name: str
    points: list[CurvePoint]
    reference: bool  # a baseline, such as random choice in a simulation


class Speed(Record):
    minute: float  # seconds since 1970
    labels: int


class CostRow(Record):
    what: str
    labels: int | None
    seconds: float | None
    note: str = ""


class Progress(Record):
    """What labels bought, and whether more would."""

    curves: list[CurveLine]
    speed: list[Speed]  # labels in each minute somebody labelled in
    per_minute: float | None  # of the last minutes of labelling
    cost: list[CostRow]
    advice: str  # go on, or stop, and why
    notes: list[str]


class ComparedRow(Record):
    candidate: str
    accuracy: Interval | None
    balanced: Interval | None
    above: Interval | None  # above supervised
    seconds: float | None


class Trained(Record):
    run: str
    method: str
    status: str
    labels: int | None
    accuracy: Interval | None
    measured_on: int | None
    seconds: float | None
    current: bool  # the one that suggestions come from


class TrainRecord(Record):
    compared: list[ComparedRow]
    compared_said: str
    trained: list[Trained]
    advice: str
    methods: list[MethodInfo]


class LookRecord(Record):
    found: dict[str, Any]  # as `tacit look --json`
    lines: list[str]
    skipped: list[tuple[str, str]]  # some of them, each with its reason
    skipped_count: int
    gone: list[str]  # files that are no longer on the disk, some of them
    gone_count: int


class RunInfo(Record):
    name: str
    task: str
    method: str
    status: str
    record: dict[str, Any]  # run.toml
    resumable: bool


class RunsRecord(Record):
    runs: list[RunInfo]


class RunDetails(Record):
    run: RunInfo
    progress: list[dict[str, Any]]
    log: list[str]


class SettingsRecord(Record):
    name: str
    folder: str
    source: str
    seed: int
    classes: list[ClassInfo]
    keys: dict[str, str]
    defaults: dict[str, str]


class SettingsOrder(Order):
    name: str | None = Field(default=None, min_length=1, max_length=200)
    keys: dict[str, str] | None = None  # action -> key; {} for the defaults


# people


class Person(Record):
    name: str
    answers: int
    items: int
    seconds: float | None  # median of an answer
    taken_back: int


class Agreement(Record):
    """How far people agree on items that several of them answered."""

    kind: Literal["none", "Cohen's kappa", "Fleiss' kappa"]
    kappa: Interval | None
    items: int
    raw: float | None  # share of pairs of answers that are the same
    said: str


class Disagreement(Record):
    item: Item
    answers: list[Answered]


class PeopleRecord(Record):
    people: list[Person]
    agreement: Agreement
    disagreements: list[Disagreement]
    said: str


# answers as files


class ImportedRecord(Record):
    format: str
    recorded: int
    items: int
    unknown: int
    said: str
    version: int
