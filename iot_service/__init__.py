"""iot-service: telemetry comes in, rules find needs, and the product's customers are served before they ask."""
