BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'finished');
INSERT INTO "studies" VALUES(2,'waiting');
INSERT INTO "studies" VALUES(3,'script');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MINIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MINIMIZE',2,0);
INSERT INTO "study_directions" VALUES(3,'MINIMIZE',3,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["val_loss"]');
INSERT INTO "study_system_attributes" VALUES(2,1,'dashboard:note_ver','4');
INSERT INTO "study_system_attributes" VALUES(3,1,'dashboard:note_str:0','"[//]: # (Studyhall rewrites what is below this line; write above it, or remove the line to keep all.)\n\n### Best: val\\_loss 0.000160758\n\n[Trial 1](/dashboard/studies/1/trials?numbers=1), with\n\n- broken: False\n- units: 3\n- rate: 0.09\n- size of the model: 13 numbers\n\n### Published: trial 1 with 0.000160758\n\nOn 27 November 2026, 22:04 UTC. Fetch it with `studyhall fetch finished`.\n\n![history.png](/artifacts/1/eed4cdc0-1387-4f66-97c5-42d058cbd84b)\n\n### Definition\n\nWhat its study file says beyond the defaults; `studyhall show STUDY.toml` explains all of it.\n\n```toml\nenqueue = [\n    { units = 3, rate = 0.09, broken = false },\n    { broken = true },\n    { rate = 1e-06, broken = false },\n]\n\n[search]\ntrials = 4\nseed = 7\nkeep_models = 1\nfigures = false\n\n[pruner.options]\nn_startup_trials = 1\nn_warmup_steps = 0\n\n[hypermodel]\npath = \"my_model.py:Fragile\"\n\n[data]\nsource = \"my_model.py:load\"\n\n[data.arguments]\npoints = 32\n\n[training]\nepochs = 3\nbatch_size = 8\n\n[retraining]\nepochs = 12\n```\n"');
INSERT INTO "study_system_attributes" VALUES(5,1,'artifacts:b4a2918f-8174-4965-8a7b-99c4c8bbf1e4','"{\"artifact_id\": \"b4a2918f-8174-4965-8a7b-99c4c8bbf1e4\", \"filename\": \"trial-1-model.keras\", \"mimetype\": \"application/octet-stream\", \"encoding\": null}"');
INSERT INTO "study_system_attributes" VALUES(6,1,'studyhall:told:ended','"4 trials, None hours, None epochs, None"');
INSERT INTO "study_system_attributes" VALUES(7,1,'studyhall:bundle-draft','{"owner": "89d83d7596dd273a", "artifacts": []}');
INSERT INTO "study_system_attributes" VALUES(8,1,'artifacts:aa7d75eb-6240-4fc6-b424-d4382027737c','"{\"artifact_id\": \"aa7d75eb-6240-4fc6-b424-d4382027737c\", \"filename\": \"history.json\", \"mimetype\": \"application/json\", \"encoding\": null}"');
INSERT INTO "study_system_attributes" VALUES(9,1,'artifacts:eed4cdc0-1387-4f66-97c5-42d058cbd84b','"{\"artifact_id\": \"eed4cdc0-1387-4f66-97c5-42d058cbd84b\", \"filename\": \"history.png\", \"mimetype\": \"image/png\", \"encoding\": null}"');
INSERT INTO "study_system_attributes" VALUES(10,1,'artifacts:6eee0546-9f7e-47d8-80d9-c16b04e4bd29','"{\"artifact_id\": \"6eee0546-9f7e-47d8-80d9-c16b04e4bd29\", \"filename\": \"model.keras\", \"mimetype\": \"application/octet-stream\", \"encoding\": null}"');
INSERT INTO "study_system_attributes" VALUES(11,1,'artifacts:87c5837c-0cf3-4b8d-94e4-63582ab75453','"{\"artifact_id\": \"87c5837c-0cf3-4b8d-94e4-63582ab75453\", \"filename\": \"manifest.json\", \"mimetype\": \"application/json\", \"encoding\": null}"');
INSERT INTO "study_system_attributes" VALUES(12,1,'artifacts:95112533-a05f-4ce9-8275-0f7dbc77ce4b','"{\"artifact_id\": \"95112533-a05f-4ce9-8275-0f7dbc77ce4b\", \"filename\": \"optimisation.png\", \"mimetype\": \"image/png\", \"encoding\": null}"');
INSERT INTO "study_system_attributes" VALUES(13,1,'artifacts:f2334885-59b1-433d-8ff0-db9ab60f10e6','"{\"artifact_id\": \"f2334885-59b1-433d-8ff0-db9ab60f10e6\", \"filename\": \"parallel-coordinates.png\", \"mimetype\": \"image/png\", \"encoding\": null}"');
INSERT INTO "study_system_attributes" VALUES(14,1,'artifacts:7a63c828-548e-4cc2-9383-05189b142704','"{\"artifact_id\": \"7a63c828-548e-4cc2-9383-05189b142704\", \"filename\": \"learning-curves.png\", \"mimetype\": \"image/png\", \"encoding\": null}"');
INSERT INTO "study_system_attributes" VALUES(15,2,'study:metric_names','["val_loss"]');
INSERT INTO "study_system_attributes" VALUES(16,2,'dashboard:note_ver','2');
INSERT INTO "study_system_attributes" VALUES(17,2,'dashboard:note_str:0','"[//]: # (Studyhall rewrites what is below this line; write above it, or remove the line to keep all.)\n\n### Best: val\\_loss 0.0349667\n\n[Trial 0](/dashboard/studies/2/trials?numbers=0), with\n\n- units: 2\n- rate: 0.05\n- size of the model: 9 numbers\n\n### Definition\n\nWhat its study file says beyond the defaults; `studyhall show STUDY.toml` explains all of it.\n\n```toml\nenqueue = [\n    { units = 3 },\n    { units = 2 },\n    { units = 1 },\n]\n\n[search]\ntrials = 4\nseed = 7\nkeep_models = 0\nfigures = false\n\n[hypermodel]\npath = \"my_model.py:Line\"\n\n[data]\nsource = \"my_model.py:load\"\n\n[data.arguments]\npoints = 32\n\n[training]\nepochs = 2\nbatch_size = 8\n\n[retraining]\nepochs = 1\n```\n"');
INSERT INTO "study_system_attributes" VALUES(18,3,'study:metric_names','["val_loss"]');
INSERT INTO "study_system_attributes" VALUES(19,3,'dashboard:note_ver','2');
INSERT INTO "study_system_attributes" VALUES(20,3,'dashboard:note_str:0','"[//]: # (Studyhall rewrites what is below this line; write above it, or remove the line to keep all.)\n\n### Best: val\\_loss 0.0349667\n\n[Trial 0](/dashboard/studies/3/trials?numbers=0), with\n\n- units: 2\n- rate: 0.05\n- size of the model: 9 numbers\n\n### Definition\n\nWhat its study file says beyond the defaults; `studyhall show STUDY.toml` explains all of it.\n\n```toml\nenqueue = [\n    { units = 3, rate = 0.01 },\n]\n\n[search]\ntrials = 2\nseed = 7\nkeep_models = 1\n\n[pruner]\nname = \"NopPruner\"\n\n[pruner.options]\n\n[hypermodel]\npath = \"studyhall.search.tuner.script:hypermodel\"\n\n[hypermodel.arguments]\nname = \"Line\"\nexecutions_per_trial = 1\nid_digits = 1\n\n[data]\nsource = \"studyhall.search.tuner.script:data\"\n\n[training]\nearly_stopping = false\nreduce_learning_rate = false\n```\n"');
INSERT INTO "study_system_attributes" VALUES(21,3,'artifacts:51050f65-5d5b-4a81-b4f9-6c328e421693','"{\"artifact_id\": \"51050f65-5d5b-4a81-b4f9-6c328e421693\", \"filename\": \"trial-0-model.weights.h5\", \"mimetype\": \"application/x-hdf5\", \"encoding\": null}"');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'studyhall:definition','{"name": "finished", "description": "", "scale": 1.0, "storage": {"url": "sqlite:///studies.db", "artifacts": "artifacts"}, "objective": {"metric": "val_loss", "direction": "minimize", "also": []}, "search": {"trials": 4, "hours": null, "epochs": null, "target": null, "seed": 7, "repeat": false, "keep_models": 1, "figures": false}, "sampler": {"name": "TPESampler", "options": {"group": true, "multivariate": true, "n_startup_trials": 5}}, "pruner": {"name": "MedianPruner", "options": {"n_startup_trials": 1, "n_warmup_steps": 0}}, "hypermodel": {"path": "my_model.py:Fragile", "arguments": {}}, "data": {"source": "my_model.py:load", "mix": "mean", "samples_per_epoch": 50000, "validation_samples": 5000, "validation_images": 5000, "arguments": {"points": 32}}, "training": {"epochs": 3, "batch_size": 8, "seed": 0, "precision": "keras", "early_stopping": {"patience": 5, "min_delta": 0.0}, "reduce_learning_rate": {"factor": 0.5, "patience": 2, "min_delta": 0.0, "cooldown": 0, "min_learning_rate": 1e-06}}, "retraining": {"epochs": 12, "samples_per_epoch": null, "batch_size": null, "schedule": "cosine", "warmup": 0.0, "hold": 0.0, "final_learning_rate": 0.0, "early_stopping": false, "reduce_learning_rate": {"factor": 0.5, "patience": 2, "min_delta": 0.0, "cooldown": 0, "min_learning_rate": 1e-06}}, "enqueue": [{"units": 3, "rate": 0.09, "broken": false}, {"broken": true}, {"rate": 1e-06, "broken": false}], "from_study": [], "origin": {"folder": "/tmp/made_before", "files": {"my_model.py": "8646e377fb6a5ab47dbe45ebfec1c917b0917e9cae1ab8f83229c9e2d0130114"}}}');
INSERT INTO "study_user_attributes" VALUES(2,1,'studyhall:signature','"779f60ee295f2f35db83c9be552fda6730fdda732a6314b0880fda8dbb0d3b2c"');
INSERT INTO "study_user_attributes" VALUES(3,1,'studyhall:created','"2026-11-27T22:03:49+00:00"');
INSERT INTO "study_user_attributes" VALUES(4,1,'studyhall:versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "study_user_attributes" VALUES(5,1,'studyhall:store','"marker-75257ea6-bf86-4c45-95d8-3ce482dd2498"');
INSERT INTO "study_user_attributes" VALUES(6,1,'studyhall:started','1795817029.58402');
INSERT INTO "study_user_attributes" VALUES(7,1,'studyhall:model:0','null');
INSERT INTO "study_user_attributes" VALUES(8,1,'studyhall:model:1','{"number": 1, "value": 0.0001607584417797625, "artifact_id": "b4a2918f-8174-4965-8a7b-99c4c8bbf1e4", "sha256": "201f54cf33b90fd7bebe9e683385987409af951ff64f167765670cda30049f1f"}');
INSERT INTO "study_user_attributes" VALUES(9,1,'studyhall:bundle','{"study": "finished", "created": "2026-11-27T22:04:33Z", "value": 0.0001607584417797625, "source": "trial", "trial": 1, "manifest": {"sha256": "105529526a666e4b59cdcef4dbac58666c923e3c2b3a30f67037ca9592b3c1d6", "size": 3855, "artifact_id": "87c5837c-0cf3-4b8d-94e4-63582ab75453"}, "files": {"history.json": {"sha256": "517241be559ccc11c44e5fd2677a7e857df8b8df113539b567ded7f99a09e9b5", "size": 271, "artifact_id": "aa7d75eb-6240-4fc6-b424-d4382027737c"}, "history.png": {"sha256": "a66c1608851a09797e5fe456b2bfde65cd322b5f98b8452485e871a9ddf00329", "size": 6002, "artifact_id": "eed4cdc0-1387-4f66-97c5-42d058cbd84b"}, "model.keras": {"sha256": "201f54cf33b90fd7bebe9e683385987409af951ff64f167765670cda30049f1f", "size": 18361, "artifact_id": "6eee0546-9f7e-47d8-80d9-c16b04e4bd29"}}}');
INSERT INTO "study_user_attributes" VALUES(10,1,'studyhall:files','{"optimisation.png": "95112533-a05f-4ce9-8275-0f7dbc77ce4b", "parallel-coordinates.png": "f2334885-59b1-433d-8ff0-db9ab60f10e6", "learning-curves.png": "7a63c828-548e-4cc2-9383-05189b142704"}');
INSERT INTO "study_user_attributes" VALUES(11,2,'studyhall:definition','{"name": "waiting", "description": "", "scale": 1.0, "storage": {"url": "sqlite:///studies.db", "artifacts": "artifacts"}, "objective": {"metric": "val_loss", "direction": "minimize", "also": []}, "search": {"trials": 4, "hours": null, "epochs": null, "target": null, "seed": 7, "repeat": false, "keep_models": 0, "figures": false}, "sampler": {"name": "TPESampler", "options": {"group": true, "multivariate": true, "n_startup_trials": 5}}, "pruner": {"name": "MedianPruner", "options": {"n_startup_trials": 2, "n_warmup_steps": 2}}, "hypermodel": {"path": "my_model.py:Line", "arguments": {}}, "data": {"source": "my_model.py:load", "mix": "mean", "samples_per_epoch": 50000, "validation_samples": 5000, "validation_images": 5000, "arguments": {"points": 32}}, "training": {"epochs": 2, "batch_size": 8, "seed": 0, "precision": "keras", "early_stopping": {"patience": 5, "min_delta": 0.0}, "reduce_learning_rate": {"factor": 0.5, "patience": 2, "min_delta": 0.0, "cooldown": 0, "min_learning_rate": 1e-06}}, "retraining": {"epochs": 1, "samples_per_epoch": null, "batch_size": null, "schedule": "cosine", "warmup": 0.0, "hold": 0.0, "final_learning_rate": 0.0, "early_stopping": false, "reduce_learning_rate": {"factor": 0.5, "patience": 2, "min_delta": 0.0, "cooldown": 0, "min_learning_rate": 1e-06}}, "enqueue": [{"units": 3}, {"units": 2}, {"units": 1}], "from_study": [], "origin": {"folder": "/tmp/made_before", "files": {"my_model.py": "8646e377fb6a5ab47dbe45ebfec1c917b0917e9cae1ab8f83229c9e2d0130114"}}}');
INSERT INTO "study_user_attributes" VALUES(12,2,'studyhall:signature','"f0cb399fb490124d80c9c50900fd1cd70fe24e0276c75bbf13b1116f6d3227ad"');
INSERT INTO "study_user_attributes" VALUES(13,2,'studyhall:created','"2026-11-27T22:05:35+00:00"');
INSERT INTO "study_user_attributes" VALUES(14,2,'studyhall:versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "study_user_attributes" VALUES(15,2,'studyhall:store','"marker-551eb4a7-05bd-40f9-b8ab-e41d235b3979"');
INSERT INTO "study_user_attributes" VALUES(16,2,'studyhall:started','1795817142.28');
INSERT INTO "study_user_attributes" VALUES(17,3,'studyhall:definition','{"name": "script", "description": "", "scale": 1.0, "storage": {"url": "sqlite:///studies.db", "artifacts": "artifacts"}, "objective": {"metric": "val_loss", "direction": "minimize", "also": []}, "search": {"trials": 2, "hours": null, "epochs": null, "target": null, "seed": 7, "repeat": false, "keep_models": 1, "figures": true}, "sampler": {"name": "TPESampler", "options": {"group": true, "multivariate": true, "n_startup_trials": 5}}, "pruner": {"name": "NopPruner", "options": {}}, "hypermodel": {"path": "studyhall.search.tuner.script:hypermodel", "arguments": {"name": "Line", "executions_per_trial": 1, "id_digits": 1}}, "data": {"source": "studyhall.search.tuner.script:data", "mix": "mean", "samples_per_epoch": 50000, "validation_samples": 5000, "validation_images": 5000, "arguments": {}}, "training": {"epochs": 20, "batch_size": 64, "seed": 0, "precision": "keras", "early_stopping": false, "reduce_learning_rate": false}, "retraining": {"epochs": 50, "samples_per_epoch": null, "batch_size": null, "schedule": "cosine", "warmup": 0.0, "hold": 0.0, "final_learning_rate": 0.0, "early_stopping": false, "reduce_learning_rate": {"factor": 0.5, "patience": 2, "min_delta": 0.0, "cooldown": 0, "min_learning_rate": 1e-06}}, "enqueue": [{"units": 3, "rate": 0.01}], "from_study": [], "origin": {"folder": "/tmp/made_before", "files": {}}}');
INSERT INTO "study_user_attributes" VALUES(18,3,'studyhall:signature','"b7e772f85600bf5b6119b72eef4a873024ad23d1bcbe5133d1d8bb5f4673671b"');
INSERT INTO "study_user_attributes" VALUES(19,3,'studyhall:created','"2026-11-27T22:06:33+00:00"');
INSERT INTO "study_user_attributes" VALUES(20,3,'studyhall:versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "study_user_attributes" VALUES(21,3,'studyhall:store','"marker-32761876-1bc4-4df2-9424-b0a3c50e5f21"');
INSERT INTO "study_user_attributes" VALUES(22,3,'studyhall:started','1795817193.603');
INSERT INTO "study_user_attributes" VALUES(23,3,'studyhall:model:0','{"number": 0, "value": 0.034966666251420975, "artifact_id": "51050f65-5d5b-4a81-b4f9-6c328e421693", "sha256": "7ec0f77ff1086ee179b8f572dee96f034bf2bb9c6d65ea8997bb947fd77c3256"}');
CREATE TABLE studyhall_leases (
	trial_id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	token VARCHAR(32), 
	worker VARCHAR(512) NOT NULL, 
	interruptions INTEGER NOT NULL, 
	renewed_at FLOAT NOT NULL, 
	ttl_seconds FLOAT NOT NULL, 
	checkpoint_epoch INTEGER, 
	checkpoint_artifact VARCHAR(512), 
	checkpoint_sha256 VARCHAR(64), 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id) ON DELETE CASCADE, 
	FOREIGN KEY(study_id) REFERENCES studies (study_id) ON DELETE CASCADE
);
INSERT INTO "studyhall_leases" VALUES(6,2,'0957d59bbabb543a1b2745ba179d19e0','made-before-23861-e6a804',0,1.79581716270898294443e+09,60.0,NULL,NULL,NULL);
CREATE TABLE studyhall_leftovers (
	artifact_id VARCHAR(512) NOT NULL, 
	study_id INTEGER NOT NULL, 
	PRIMARY KEY (artifact_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id) ON DELETE CASCADE
);
CREATE TABLE studyhall_publications (
	study_id INTEGER NOT NULL, 
	token VARCHAR(32) NOT NULL, 
	holder VARCHAR(512) NOT NULL, 
	renewed_at FLOAT NOT NULL, 
	ttl_seconds FLOAT NOT NULL, 
	PRIMARY KEY (study_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id) ON DELETE CASCADE
);
CREATE TABLE studyhall_workers (
	worker VARCHAR(512) NOT NULL, 
	study_id INTEGER NOT NULL, 
	host VARCHAR(512) NOT NULL, 
	pid INTEGER NOT NULL, 
	device VARCHAR(512) NOT NULL, 
	started_at FLOAT NOT NULL, 
	seen_at FLOAT NOT NULL, 
	trial INTEGER, 
	epoch INTEGER, 
	images_per_second FLOAT, 
	PRIMARY KEY (worker), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id) ON DELETE CASCADE
);
INSERT INTO "studyhall_workers" VALUES('made-before-23861-e6a804',2,'made-before',23861,'CPU',1.79581714222701787947e+09,1.79581715740400266645e+09,0,0,NULL);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,1,1.41727358102798461914e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,2,3.49666662514209747314e-02,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,3,1.66227519512176513671e-02,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,2,1,2.88125239312648773193e-02,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,2,1.88398652244359254837e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,3,1.60758441779762506484e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,4,1,3.48458647727966308593e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,5,1,1.41727358102798461914e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,5,2,3.49666662514209747314e-02,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,6,1,2.04329586029052734375e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,9,1,1.41727358102798461914e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,9,2,3.49666662514209747314e-02,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,10,1,1.46881127357482910156e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,10,2,1.04373323917388916015e+00,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'broken',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}}');
INSERT INTO "trial_params" VALUES(2,1,'units',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(3,1,'rate',0.05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(4,2,'broken',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}}');
INSERT INTO "trial_params" VALUES(5,2,'units',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(6,2,'rate',0.09,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(7,3,'broken',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}}');
INSERT INTO "trial_params" VALUES(8,4,'broken',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false, true]}}');
INSERT INTO "trial_params" VALUES(9,4,'units',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(10,4,'rate',1.0e-06,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(11,5,'units',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(12,5,'rate',0.05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(13,6,'units',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(14,6,'rate',0.000129682306450495,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(15,9,'units',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(16,9,'rate',0.05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(17,10,'units',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
INSERT INTO "trial_params" VALUES(18,10,'rate',0.01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.1, "log": true}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'studyhall:start','{"defaults": true}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'studyhall:start','{"values": {"units": 3, "rate": 0.09, "broken": false}}');
INSERT INTO "trial_system_attributes" VALUES(3,3,'studyhall:start','{"values": {"broken": true}}');
INSERT INTO "trial_system_attributes" VALUES(4,4,'studyhall:start','{"values": {"rate": 1e-06, "broken": false}}');
INSERT INTO "trial_system_attributes" VALUES(5,5,'studyhall:start','{"defaults": true}');
INSERT INTO "trial_system_attributes" VALUES(6,6,'studyhall:start','{"values": {"units": 3}}');
INSERT INTO "trial_system_attributes" VALUES(7,7,'studyhall:start','{"values": {"units": 2}}');
INSERT INTO "trial_system_attributes" VALUES(8,8,'studyhall:start','{"values": {"units": 1}}');
INSERT INTO "trial_system_attributes" VALUES(9,9,'studyhall:start','{"defaults": true}');
INSERT INTO "trial_system_attributes" VALUES(10,10,'studyhall:start','{"values": {"units": 3, "rate": 0.01}}');
INSERT INTO "trial_system_attributes" VALUES(11,9,'studyhall:model','"cdfd459c3370a770"');
INSERT INTO "trial_system_attributes" VALUES(12,10,'studyhall:model','"cdfd459c3370a770"');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'hyperparameters','{"broken": false, "units": 2, "rate": 0.05}');
INSERT INTO "trial_user_attributes" VALUES(2,1,'fixed_hyperparameters','{}');
INSERT INTO "trial_user_attributes" VALUES(3,1,'seed','94696274');
INSERT INTO "trial_user_attributes" VALUES(4,1,'parameters','9');
INSERT INTO "trial_user_attributes" VALUES(5,1,'backend','"tensorflow"');
INSERT INTO "trial_user_attributes" VALUES(6,1,'device','"cpu x86_64 (2 cores)"');
INSERT INTO "trial_user_attributes" VALUES(7,1,'versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "trial_user_attributes" VALUES(8,1,'revision','null');
INSERT INTO "trial_user_attributes" VALUES(9,1,'precision','"float32"');
INSERT INTO "trial_user_attributes" VALUES(10,1,'xla','false');
INSERT INTO "trial_user_attributes" VALUES(11,1,'data_fingerprint','"sha256:3e3edf3e3c719bbf37a5accf1c4e8f4adb59701043e8b663cf0aca6eff0b53a9"');
INSERT INTO "trial_user_attributes" VALUES(12,1,'input','"host"');
INSERT INTO "trial_user_attributes" VALUES(13,1,'batches_per_execution','1');
INSERT INTO "trial_user_attributes" VALUES(14,1,'epochs','3');
INSERT INTO "trial_user_attributes" VALUES(15,1,'best_epoch','3');
INSERT INTO "trial_user_attributes" VALUES(16,1,'seconds','2.877');
INSERT INTO "trial_user_attributes" VALUES(17,1,'history','{"loss": [2.126614570617676, 0.13682788610458374, 0.04954804480075836], "val_loss": [0.14172735810279846, 0.034966666251420975, 0.01662275195121765], "learning_rate": [0.05000000074505806, 0.05000000074505806, 0.05000000074505806]}');
INSERT INTO "trial_user_attributes" VALUES(18,1,'rules','{"learning-rate reduction": null, "early stopping": null}');
INSERT INTO "trial_user_attributes" VALUES(19,1,'images_per_second','60.7');
INSERT INTO "trial_user_attributes" VALUES(20,2,'hyperparameters','{"broken": false, "units": 3, "rate": 0.09}');
INSERT INTO "trial_user_attributes" VALUES(21,2,'fixed_hyperparameters','{}');
INSERT INTO "trial_user_attributes" VALUES(22,2,'seed','207463849');
INSERT INTO "trial_user_attributes" VALUES(23,2,'parameters','13');
INSERT INTO "trial_user_attributes" VALUES(24,2,'backend','"tensorflow"');
INSERT INTO "trial_user_attributes" VALUES(25,2,'device','"cpu x86_64 (2 cores)"');
INSERT INTO "trial_user_attributes" VALUES(26,2,'versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "trial_user_attributes" VALUES(27,2,'revision','null');
INSERT INTO "trial_user_attributes" VALUES(28,2,'precision','"float32"');
INSERT INTO "trial_user_attributes" VALUES(29,2,'xla','false');
INSERT INTO "trial_user_attributes" VALUES(30,2,'data_fingerprint','"sha256:3e3edf3e3c719bbf37a5accf1c4e8f4adb59701043e8b663cf0aca6eff0b53a9"');
INSERT INTO "trial_user_attributes" VALUES(31,2,'input','"host"');
INSERT INTO "trial_user_attributes" VALUES(32,2,'batches_per_execution','1');
INSERT INTO "trial_user_attributes" VALUES(33,2,'epochs','3');
INSERT INTO "trial_user_attributes" VALUES(34,2,'best_epoch','3');
INSERT INTO "trial_user_attributes" VALUES(35,2,'seconds','2.993');
INSERT INTO "trial_user_attributes" VALUES(36,2,'history','{"loss": [0.9970293045043945, 0.024723174050450325, 0.0023747992236167192], "val_loss": [0.028812523931264877, 0.0018839865224435925, 0.0001607584417797625], "learning_rate": [0.09000000357627869, 0.09000000357627869, 0.09000000357627869]}');
INSERT INTO "trial_user_attributes" VALUES(37,2,'rules','{"learning-rate reduction": null, "early stopping": null}');
INSERT INTO "trial_user_attributes" VALUES(38,2,'images_per_second','57.5');
INSERT INTO "trial_user_attributes" VALUES(39,3,'failure','"error"');
INSERT INTO "trial_user_attributes" VALUES(40,3,'reason','"ValueError: as broken as can be"');
INSERT INTO "trial_user_attributes" VALUES(41,4,'hyperparameters','{"broken": false, "units": 2, "rate": 1e-06}');
INSERT INTO "trial_user_attributes" VALUES(42,4,'fixed_hyperparameters','{}');
INSERT INTO "trial_user_attributes" VALUES(43,4,'seed','790730133');
INSERT INTO "trial_user_attributes" VALUES(44,4,'parameters','9');
INSERT INTO "trial_user_attributes" VALUES(45,4,'backend','"tensorflow"');
INSERT INTO "trial_user_attributes" VALUES(46,4,'device','"cpu x86_64 (2 cores)"');
INSERT INTO "trial_user_attributes" VALUES(47,4,'versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "trial_user_attributes" VALUES(48,4,'revision','null');
INSERT INTO "trial_user_attributes" VALUES(49,4,'precision','"float32"');
INSERT INTO "trial_user_attributes" VALUES(50,4,'xla','false');
INSERT INTO "trial_user_attributes" VALUES(51,4,'data_fingerprint','"sha256:3e3edf3e3c719bbf37a5accf1c4e8f4adb59701043e8b663cf0aca6eff0b53a9"');
INSERT INTO "trial_user_attributes" VALUES(52,4,'input','"host"');
INSERT INTO "trial_user_attributes" VALUES(53,4,'batches_per_execution','1');
INSERT INTO "trial_user_attributes" VALUES(54,4,'epochs','1');
INSERT INTO "trial_user_attributes" VALUES(55,4,'best_epoch','1');
INSERT INTO "trial_user_attributes" VALUES(56,4,'seconds','3.914');
INSERT INTO "trial_user_attributes" VALUES(57,4,'history','{"loss": [0.3942123055458069], "val_loss": [0.3484586477279663], "learning_rate": [9.999999974752427e-07]}');
INSERT INTO "trial_user_attributes" VALUES(58,4,'pruned_after','1');
INSERT INTO "trial_user_attributes" VALUES(59,5,'hyperparameters','{"units": 2, "rate": 0.05}');
INSERT INTO "trial_user_attributes" VALUES(60,5,'fixed_hyperparameters','{}');
INSERT INTO "trial_user_attributes" VALUES(61,5,'seed','94696274');
INSERT INTO "trial_user_attributes" VALUES(62,5,'parameters','9');
INSERT INTO "trial_user_attributes" VALUES(63,5,'backend','"tensorflow"');
INSERT INTO "trial_user_attributes" VALUES(64,5,'device','"cpu x86_64 (2 cores)"');
INSERT INTO "trial_user_attributes" VALUES(65,5,'versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "trial_user_attributes" VALUES(66,5,'revision','null');
INSERT INTO "trial_user_attributes" VALUES(67,5,'precision','"float32"');
INSERT INTO "trial_user_attributes" VALUES(68,5,'xla','false');
INSERT INTO "trial_user_attributes" VALUES(69,5,'data_fingerprint','"sha256:3e3edf3e3c719bbf37a5accf1c4e8f4adb59701043e8b663cf0aca6eff0b53a9"');
INSERT INTO "trial_user_attributes" VALUES(70,5,'input','"host"');
INSERT INTO "trial_user_attributes" VALUES(71,5,'batches_per_execution','1');
INSERT INTO "trial_user_attributes" VALUES(72,5,'epochs','2');
INSERT INTO "trial_user_attributes" VALUES(73,5,'best_epoch','2');
INSERT INTO "trial_user_attributes" VALUES(74,5,'seconds','3.682');
INSERT INTO "trial_user_attributes" VALUES(75,5,'history','{"loss": [2.126614570617676, 0.13682788610458374], "val_loss": [0.14172735810279846, 0.034966666251420975], "learning_rate": [0.05000000074505806, 0.05000000074505806]}');
INSERT INTO "trial_user_attributes" VALUES(76,5,'rules','{"learning-rate reduction": null, "early stopping": null}');
INSERT INTO "trial_user_attributes" VALUES(77,5,'images_per_second','33.0');
INSERT INTO "trial_user_attributes" VALUES(78,6,'hyperparameters','{"units": 3, "rate": 0.000129682306450495}');
INSERT INTO "trial_user_attributes" VALUES(79,6,'fixed_hyperparameters','{}');
INSERT INTO "trial_user_attributes" VALUES(80,6,'seed','207463849');
INSERT INTO "trial_user_attributes" VALUES(81,6,'parameters','13');
INSERT INTO "trial_user_attributes" VALUES(82,6,'backend','"tensorflow"');
INSERT INTO "trial_user_attributes" VALUES(83,6,'device','"cpu x86_64 (2 cores)"');
INSERT INTO "trial_user_attributes" VALUES(84,6,'versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "trial_user_attributes" VALUES(85,6,'revision','null');
INSERT INTO "trial_user_attributes" VALUES(86,6,'precision','"float32"');
INSERT INTO "trial_user_attributes" VALUES(87,6,'xla','false');
INSERT INTO "trial_user_attributes" VALUES(88,6,'data_fingerprint','"sha256:3e3edf3e3c719bbf37a5accf1c4e8f4adb59701043e8b663cf0aca6eff0b53a9"');
INSERT INTO "trial_user_attributes" VALUES(89,6,'input','"host"');
INSERT INTO "trial_user_attributes" VALUES(90,6,'batches_per_execution','1');
INSERT INTO "trial_user_attributes" VALUES(91,9,'seed','94696274');
INSERT INTO "trial_user_attributes" VALUES(92,9,'data_fingerprint','"sha256:3e3edf3e3c719bbf37a5accf1c4e8f4adb59701043e8b663cf0aca6eff0b53a9"');
INSERT INTO "trial_user_attributes" VALUES(93,9,'backend','"tensorflow"');
INSERT INTO "trial_user_attributes" VALUES(94,9,'device','"cpu x86_64 (2 cores)"');
INSERT INTO "trial_user_attributes" VALUES(95,9,'versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "trial_user_attributes" VALUES(96,9,'parameters','9');
INSERT INTO "trial_user_attributes" VALUES(97,9,'built','{"config": {"input_shape": [null, 2]}, "optimizer": true}');
INSERT INTO "trial_user_attributes" VALUES(98,9,'metrics','{"loss": 0.13682788610458374, "val_loss": 0.034966666251420975}');
INSERT INTO "trial_user_attributes" VALUES(99,9,'best_epoch','2');
INSERT INTO "trial_user_attributes" VALUES(100,9,'history','{"loss": [2.126614570617676, 0.13682788610458374], "val_loss": [0.14172735810279846, 0.034966666251420975]}');
INSERT INTO "trial_user_attributes" VALUES(101,9,'hyperparameters','{"units": 2, "rate": 0.05}');
INSERT INTO "trial_user_attributes" VALUES(102,9,'fixed_hyperparameters','{}');
INSERT INTO "trial_user_attributes" VALUES(103,9,'seconds','6.418');
INSERT INTO "trial_user_attributes" VALUES(104,10,'seed','207463849');
INSERT INTO "trial_user_attributes" VALUES(105,10,'data_fingerprint','"sha256:3e3edf3e3c719bbf37a5accf1c4e8f4adb59701043e8b663cf0aca6eff0b53a9"');
INSERT INTO "trial_user_attributes" VALUES(106,10,'backend','"tensorflow"');
INSERT INTO "trial_user_attributes" VALUES(107,10,'device','"cpu x86_64 (2 cores)"');
INSERT INTO "trial_user_attributes" VALUES(108,10,'versions','{"python": "3.11.7", "studyhall": "0.1.0", "keras": "3.15.1", "keras-tuner": "1.4.8", "optuna": "5.0.0", "numpy": "2.4.6", "tensorflow": "2.21.0", "jax": "0.10.2"}');
INSERT INTO "trial_user_attributes" VALUES(109,10,'parameters','13');
INSERT INTO "trial_user_attributes" VALUES(110,10,'built','{"config": {"input_shape": [null, 2]}, "optimizer": true}');
INSERT INTO "trial_user_attributes" VALUES(111,10,'metrics','{"loss": 1.4932644367218018, "val_loss": 1.0437332391738892}');
INSERT INTO "trial_user_attributes" VALUES(112,10,'best_epoch','2');
INSERT INTO "trial_user_attributes" VALUES(113,10,'history','{"loss": [2.1158268451690674, 1.4932644367218018], "val_loss": [1.468811273574829, 1.0437332391738892]}');
INSERT INTO "trial_user_attributes" VALUES(114,10,'hyperparameters','{"units": 3, "rate": 0.01}');
INSERT INTO "trial_user_attributes" VALUES(115,10,'fixed_hyperparameters','{}');
INSERT INTO "trial_user_attributes" VALUES(116,10,'seconds','4.862');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,1.66227519512176513671e-02,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,1.60758441779762506484e-04,'FINITE');
INSERT INTO "trial_values" VALUES(3,4,0,3.48458647727966308593e-01,'FINITE');
INSERT INTO "trial_values" VALUES(4,5,0,3.49666662514209747314e-02,'FINITE');
INSERT INTO "trial_values" VALUES(5,9,0,3.49666662514209747314e-02,'FINITE');
INSERT INTO "trial_values" VALUES(6,10,0,1.04373323917388916015e+00,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-27 22:03:49.583000','2026-11-27 22:03:53.350000');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-27 22:03:53.565000','2026-11-27 22:03:57.306000');
INSERT INTO "trials" VALUES(3,2,1,'FAIL','2026-11-27 22:03:57.330000','2026-11-27 22:03:57.352000');
INSERT INTO "trials" VALUES(4,3,1,'PRUNED','2026-11-27 22:03:57.541000','2026-11-27 22:04:21.410000');
INSERT INTO "trials" VALUES(5,0,2,'COMPLETE','2026-11-27 22:05:42.279000','2026-11-27 22:06:02.585000');
INSERT INTO "trials" VALUES(6,1,2,'RUNNING','2026-11-27 22:06:02.709000',NULL);
INSERT INTO "trials" VALUES(7,2,2,'WAITING',NULL,NULL);
INSERT INTO "trials" VALUES(8,3,2,'WAITING',NULL,NULL);
INSERT INTO "trials" VALUES(9,0,3,'COMPLETE','2026-11-27 22:06:33.594000','2026-11-27 22:06:40.317000');
INSERT INTO "trials" VALUES(10,1,3,'COMPLETE','2026-11-27 22:06:40.356000','2026-11-27 22:06:45.252000');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE INDEX ix_studyhall_leases_study_id ON studyhall_leases (study_id);
CREATE TRIGGER studyhall_leases_forget AFTER DELETE ON trials BEGIN DELETE FROM studyhall_leases WHERE trial_id = OLD.trial_id; END;
CREATE INDEX ix_studyhall_workers_study_id ON studyhall_workers (study_id);
CREATE TRIGGER studyhall_workers_forget AFTER DELETE ON studies BEGIN DELETE FROM studyhall_workers WHERE study_id = OLD.study_id; END;
CREATE INDEX ix_studyhall_leftovers_study_id ON studyhall_leftovers (study_id);
CREATE TRIGGER studyhall_leftovers_forget AFTER DELETE ON studies BEGIN DELETE FROM studyhall_leftovers WHERE study_id = OLD.study_id; END;
CREATE TRIGGER studyhall_publications_forget AFTER DELETE ON studies BEGIN DELETE FROM studyhall_publications WHERE study_id = OLD.study_id; END;
COMMIT;
