"""The names under which Studyhall keeps its own facts among Optuna's attributes and artifacts."""

# On a study, as user attributes.
DEFINITION = "studyhall:definition"  # the definition, every default filled in
SIGNATURE = "studyhall:signature"  # the hash of what can change a result
CREATED = "studyhall:created"  # when the study was created, ISO 8601, UTC
VERSIONS = "studyhall:versions"  # of the packages that it was created with
STORE = "studyhall:store"  # the id of the file in its artifact store that says whose that is
BUNDLE = "studyhall:bundle"  # the record of the published bundle
STARTED = "studyhall:started"  # when its first trial was claimed, seconds since 1970, by the database's clock
STOP = "studyhall:stop"  # there as long as workers are asked to leave; when that was, as above
EXHAUSTED = (
    "studyhall:exhausted"  # how many configurations there were, and how many trials were left without one
)

# On a trial, as a system attribute: where its hyperparameters come from before the sampler is asked. It is
# absent, {"defaults": true}, or {"values": {...}}.
START = "studyhall:start"

# On a trial, as a system attribute: how many epochs it has begun, where the study's budget counts them.
EPOCHS = "studyhall:epochs"

# On a trial, as a system attribute: it has begun to train a model that asks for no hyperparameters.
BEGUN = "studyhall:begun"

# On a trial, as a system attribute: what stands for the names of the hyperparameters of its model, where those may change.
MODEL = "studyhall:model"

# On a trial, as user attributes that people read.
HYPERPARAMETERS = "hyperparameters"
FAILURE = "failure"  # the kind of failure
REASON = "reason"
UNREPORTED = "unreported"  # there once the trial was given back because it did not report the objective
PRUNED_AFTER = "pruned_after"  # the last epoch of a trial that the pruner ended, complete or pruned

# On a study, as Optuna's own system attribute.
METRIC_NAMES = "study:metric_names"

# On a study, as a system attribute: the last occasion on which people were told of an event, which is its end.
TOLD_PREFIX = "studyhall:told:"

# A file attached to a trial: what its model makes of a few examples.
PREDICTIONS = "predictions.png"
