# SPDX-License-Identifier: MIT
"""MQTT in WebSockets by python3-paho-mqtt: mqtt_websocket.py HOST PORT CA CLIENT TOPIC FILE."""

import sys

import paho.mqtt.client

host, port, authority, name, topic, path = sys.argv[1:]
client = paho.mqtt.client.Client(name, transport="websockets")
client.tls_set(authority)
client.username_pw_set("cam", "a secret")
client.connect(host, int(port))
client.loop_start()
with open(path, "rb") as file:
    sent = client.publish(topic, file.read(), qos=1)
sent.wait_for_publish(3)
client.disconnect()
client.loop_stop()
sys.exit(0 if sent.is_published() else 1)
