"""The names of Studyhall's facts among Optuna's attributes and artifacts.

They are stored in databases, and so can never change.
"""

# On a study, as user attributes.
DEFINITION = "studyhall:definition"  # the definition, every default filled in
SIGNATURE = "studyhall:signature"  # the hash of what can change a result
CREATED = "studyhall:created"  # when the study was created, ISO 8601, UTC
VERSIONS = "studyhall:versions"  # of the packages that it was created with
STORE = "studyhall:store"  # the id of the file in its artifact store that says whose that is
BUNDLE = "studyhall:bundle"  # the record of the published bundle
RETRAINING = "studyhall:retraining"  # what the last retraining came to, and the facts of its training
FILES = "studyhall:files"  # the artifact ids of its files, by their names
# And a trial's number: the record of its model, None once that is let go.
KEPT_MODEL_PREFIX = "studyhall:model:"
STARTED = "studyhall:started"  # when its first trial was claimed, seconds since 1970, by the database's clock
# The machine and the path of its project's folder, which was made after the study.
FOLDER = "studyhall:folder"
SPACE = "studyhall:space"  # what the models of a script's Tuner ask for, as KerasTuner writes it
STOP = "studyhall:stop"  # there as long as workers are asked to leave; when that was, as above
# How many configurations there were, and how many trials were left without one.
EXHAUSTED = "studyhall:exhausted"

# On a trial, as a system attribute: where its hyperparameters come from before the sampler is asked. It is
# absent, {"defaults": true}, or {"values": {...}}.
START = "studyhall:start"

# On a trial, as a system attribute: how many epochs it has begun, where the study's budget counts them.
EPOCHS_BEGUN = "studyhall:epochs"

# On a trial, as a system attribute: it has begun to train a model that asks for no hyperparameters.
BEGUN = "studyhall:begun"

# On a trial, as a system attribute: what stands for the names of the hyperparameters of its model, where
# those may change.
MODEL = "studyhall:model"

# On a trial, as user attributes that people read.
HYPERPARAMETERS = "hyperparameters"  # those that are tuned
FIXED_HYPERPARAMETERS = "fixed_hyperparameters"  # the others
SEED = "seed"
PARAMETER_COUNT = "parameters"  # of its network
BACKEND = "backend"
DEVICE = "device"
PACKAGES = "versions"  # by their names
REVISION = "revision"  # of the sources
DATA_FINGERPRINT = "data_fingerprint"
EPOCHS = "epochs"  # that it was trained for
BEST_EPOCH = "best_epoch"  # counts from 1
SECONDS = "seconds"  # of training
COST = "cost"  # where trials pause: the epochs, seconds and restores of all its stretches
IMAGES_PER_SECOND = "images_per_second"
HISTORY = "history"  # what each epoch reported
METRICS = "metrics"  # what a Tuner's `run_trial` returned
RULES = "rules"  # which of ours held in its training
BUILT = "built"  # how a Tuner's model is given its variables
KERASTUNER = "kerastuner"  # where it was imported from: the project and the id there
FAILURE = "failure"  # the kind of failure
REASON = "reason"
DETAILS = "traceback"  # the whole of it, or the last that a process that died had printed
UNREPORTED = "unreported"  # there once the trial was given back because it did not report the objective
PRUNED_AFTER = "pruned_after"  # the last epoch of a trial that the pruner ended, complete or pruned

# On a study, as a system attribute: {"owner": token, "artifacts": [ids]}, written before anything is
# uploaded: every artifact that is, was or may become part of a bundle. Those that the record does not name
# may be removed. The owner is who published or cleaned up last; whoever finds another there has been
# overtaken.
BUNDLE_DRAFT = "studyhall:bundle-draft"

# On a study, as Optuna's own system attribute.
METRIC_NAMES = "study:metric_names"

# On a study, as a system attribute: the last occasion on which people were told of an event, which is its
# end.
ANNOUNCED_PREFIX = "studyhall:told:"

# A file attached to a trial: what its model makes of a few examples.
PREDICTIONS = "predictions.png"
