"""An LSTM that forecasts a series from windows of it; the number of layers and the dropout are searched."""

import numpy as np
from keras.callbacks import EarlyStopping
from keras.layers import LSTM, Dense, Dropout
from keras.models import Sequential
from keras.optimizers import Adam
from keras_tuner import BayesianOptimization

series = np.sin(np.arange(60) / 4).astype("float32")
n_steps = 4
X = np.array([series[i : i + n_steps] for i in range(len(series) - n_steps)])[
    ..., None
]  # (windows, steps, 1)
y = series[n_steps:]
X_train, X_test, y_train, y_test = X[:40], X[40:], y[:40], y[40:]


def build_model(hp):
    model = Sequential()
    model.add(
        LSTM(
            hp.Int("input_unit", min_value=2, max_value=6, step=2),
            return_sequences=True,
            input_shape=(n_steps, 1),
        )
    )
    for i in range(hp.Int("n_layers", 1, 2)):
        model.add(LSTM(hp.Int(f"lstm_{i}_units", min_value=2, max_value=4, step=2), return_sequences=True))
    model.add(LSTM(hp.Int("layer_2_neurons", min_value=2, max_value=4, step=2)))
    model.add(Dropout(hp.Float("Dropout_rate", min_value=0, max_value=0.5, step=0.1)))
    model.add(
        Dense(
            1,
            activation=hp.Choice("dense_activation", values=["relu", "sigmoid", "linear"], default="linear"),
        )
    )
    model.compile(loss="mean_squared_error", optimizer=Adam(hp.Choice("lr", [1e-2, 1e-3])), metrics=["mse"])
    return model


tuner = BayesianOptimization(
    build_model,
    objective="val_mse",
    max_trials=2,
    executions_per_trial=1,
    seed=42,
    directory="lstm",
    project_name="forecast",
)
tuner.search(
    x=X_train,
    y=y_train,
    epochs=1,
    batch_size=40,
    validation_data=(X_test, y_test),
    callbacks=[EarlyStopping(monitor="val_loss", patience=3)],
    verbose=0,
)
best_model = tuner.get_best_models(num_models=1)[0]
y_pred = best_model.predict(X_test, verbose=0)

results = {
    "predictions": y_pred,
    "names": {*tuner.get_best_hyperparameters()[0].values} - {"lstm_1_units"},
    "learning rate": tuner.get_best_hyperparameters()[0]["lr"],
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
}
